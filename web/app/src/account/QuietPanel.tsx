import { useState } from 'react';
import { api, session } from '../api';
import type { User } from '../api/types';
import { fill, useWords } from '../i18n';
import { patchQuery } from '../query';
import { FormEnd, profileKey } from './NameForm';
import { useSubmit } from './useSubmit';

/** When webhooks and push keep silent. */
export function QuietPanel({ user }: { user: User }) {
  const { t } = useWords();
  const known = user.quiet_hours;
  const [on, setOn] = useState(known !== null && known !== undefined);
  const [from, setFrom] = useState(known?.from ?? '23:00');
  const [to, setTo] = useState(known?.to ?? '08:00');
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const submit = useSubmit(async () => {
    const body = { quiet_hours: on ? { from, to, time_zone: zone } : null };
    const { data } = await api<User>('/api/users/profile', { method: 'PUT', auth: true, body });
    patchQuery<User>(profileKey, (answer) => ({ ...answer, data: { ...answer.data, ...data } }));
    session.updateUser({ ...user, ...data });
  });
  const edit =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      submit.reset();
    };
  const shownZone = known && !submit.done && known.time_zone !== zone ? known.time_zone : zone;
  return (
    <form className="panel form" onSubmit={submit.onSubmit} aria-labelledby="quiet-title">
      <h3 id="quiet-title">{t.notify.quiet}</h3>
      <label className="check">
        <input type="checkbox" checked={on} onChange={(event) => edit(setOn)(event.target.checked)} />
        {t.notify.quietOn}
      </label>
      <div className="times">
        <Time name="from" label={t.notify.from} value={from} disabled={!on} set={edit(setFrom)} />
        <Time name="to" label={t.notify.to} value={to} disabled={!on} set={edit(setTo)} />
      </div>
      <p className="panel-note">{fill(t.notify.quietHint, { zone: shownZone })}</p>
      <FormEnd submit={submit} label={t.account.save} done={t.account.saved} />
    </form>
  );
}

interface TimeProps {
  name: string;
  label: string;
  value: string;
  disabled: boolean;
  set: (value: string) => void;
}

function Time({ name, label, value, disabled, set }: TimeProps) {
  return (
    <label className="time">
      {label}
      <input
        type="time"
        name={name}
        value={value}
        disabled={disabled}
        required
        onChange={(event) => set(event.target.value)}
      />
    </label>
  );
}
