export interface SignFields {
  login: string;
  email: string;
  password: string;
}

export type Problem = 'required' | 'email' | 'short' | 'long';
export type SignProblems = Partial<Record<keyof SignFields, Problem>>;

/** What the server would refuse anyway, said before it is asked; in the fields' order. */
export function check(mode: 'in' | 'up', { login, email, password }: SignFields): SignProblems {
  const problems: SignProblems = {};
  if (!login.trim()) problems.login = 'required';
  if (mode === 'up' && !email.trim()) problems.email = 'required';
  else if (mode === 'up' && !/^[^\s@]+@[^\s@]+$/.test(email.trim())) problems.email = 'email';
  if (!password) problems.password = 'required';
  else if (mode === 'up' && [...password].length < 8) problems.password = 'short';
  else if (mode === 'up' && [...password].length > 128) problems.password = 'long';
  return problems;
}

/** Where to return to: a path of this site, never another host's address. */
export function backPath(search: string): string {
  const back = new URLSearchParams(search).get('back') ?? '/';
  return /^\/(?![/\\])/.test(back) ? back : '/';
}
