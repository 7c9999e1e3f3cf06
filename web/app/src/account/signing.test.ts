import { expect, test } from 'vitest';
import { backPath, check } from './signing';

const fields = { login: 'rin', email: 'rin@example.org', password: 'long enough' };

test('good fields have no problems', () => {
  expect(check('in', { ...fields, email: '', password: 'x' })).toEqual({});
  expect(check('up', fields)).toEqual({});
});

test('says what the server would refuse', () => {
  expect(check('in', { login: ' ', email: '', password: '' })).toEqual({
    login: 'required',
    password: 'required',
  });
  expect(check('up', { ...fields, email: 'rin@' })).toEqual({ email: 'email' });
  expect(check('up', { ...fields, email: '' })).toEqual({ email: 'required' });
  expect(check('up', { ...fields, password: 'я'.repeat(7) })).toEqual({ password: 'short' });
  expect(check('up', { ...fields, password: 'x'.repeat(129) })).toEqual({ password: 'long' });
});

test('returns only to places of this site', () => {
  expect(backPath('?back=%2Ftitle%2F7')).toBe('/title/7');
  for (const bad of [
    '',
    '?back=https%3A%2F%2Fevil.example',
    '?back=%2F%2Fevil.example',
    '?back=%2F%5Cevil.example',
  ]) {
    expect(backPath(bad)).toBe('/');
  }
});
