import { Component, type ReactNode } from 'react';
import { useWords } from '../i18n';
import { Notice } from './States';

/** A broken page must not take header, player position and live news with it. */
export class CrashGuard extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    return this.state.broken ? <Crashed /> : this.props.children;
  }
}

function Crashed() {
  const { t } = useWords();
  return (
    <Notice icon="warn" title={t.state.crashed} hint={t.state.crashedHint} role="alert">
      <button type="button" className="button primary" onClick={() => window.location.reload()}>
        {t.state.reload}
      </button>
    </Notice>
  );
}
