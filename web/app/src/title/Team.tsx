import type { Member } from '../api/types';
import { useWords } from '../i18n';

/** Who voiced, translated and timed it, by role. */
export function Team({ members }: { members: Member[] }) {
  const { t } = useWords();
  const roles = byRole(members, t.title.roles);
  if (roles.size === 0) return null;
  return (
    <section className="section" aria-labelledby="team-title">
      <h2 id="team-title">{t.title.team}</h2>
      <dl className="team">
        {[...roles].map(([role, names]) => (
          <div key={role}>
            <dt>{role}</dt>
            <dd>{names.join(', ')}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function byRole(members: Member[], words: Record<string, string>): Map<string, string[]> {
  const roles = new Map<string, string[]>();
  for (const { role, nickname } of members) {
    if (!nickname) continue;
    const label = words[role] ?? role;
    roles.set(label, [...(roles.get(label) ?? []), nickname]);
  }
  return roles;
}
