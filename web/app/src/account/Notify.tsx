import type { User } from '../api/types';
import { useWords } from '../i18n';
import { PreferencesPanel } from './PreferencesPanel';
import { PushPanel } from './PushPanel';
import { QuietPanel } from './QuietPanel';
import { WebhooksPanel } from './WebhooksPanel';

/** How the viewer is told of news, beside the inbox. */
export function Notify({ user }: { user: User }) {
  const { t } = useWords();
  return (
    <section className="section" id="notifications" aria-labelledby="notify-title">
      <h2 id="notify-title">{t.notify.title}</h2>
      <div className="profile-forms flat">
        <PushPanel userId={user.id} />
        <QuietPanel user={user} />
        <PreferencesPanel />
        <WebhooksPanel />
      </div>
    </section>
  );
}
