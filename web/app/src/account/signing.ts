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
  const wrong = mode === 'up' ? passwordProblem(password) : password ? null : 'required';
  if (wrong) problems.password = wrong;
  return problems;
}

/** What is wrong with a password that somebody chooses. */
export function passwordProblem(password: string): Problem | null {
  const length = [...password].length;
  if (length === 0) return 'required';
  if (length < 8) return 'short';
  return length > 128 ? 'long' : null;
}

/** Where to return to: a path of this site, never another host's address. */
export function backPath(search: string): string {
  const back = new URLSearchParams(search).get('back') ?? '/';
  return /^\/(?![/\\])/.test(back) ? back : '/';
}
