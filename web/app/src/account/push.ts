import { api } from '../api';
import type { PushKey, PushSubscription as Told } from '../api/schema.gen';
import { keep, recall } from '../memory';
import { language } from '../prefs';

// Notifications of the browser itself, also while no page is open (public/sw.js).

export type PushState = 'unsupported' | 'denied' | 'off' | 'on';

const path = '/api/users/push';
// Whose it is on this device: the next one to sign in here is asked anew.
const mark = 'push';

export function pushSupported(): boolean {
  return (
    window.isSecureContext &&
    'serviceWorker' in navigator &&
    'PushManager' in window &&
    'Notification' in window
  );
}

/** How things are for a viewer on this device. */
export async function pushState(userId: string): Promise<PushState> {
  if (!pushSupported()) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  return recall(mark) === userId && (await subscription()) ? 'on' : 'off';
}

async function subscription(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker.getRegistration('/');
  return (await worker?.pushManager.getSubscription()) ?? null;
}

/** Asks the viewer, then the browser, then tells the server. */
export async function turnOn(userId: string): Promise<PushState> {
  if ((await Notification.requestPermission()) !== 'granted') return pushState(userId);
  await subscribe();
  keep(mark, userId);
  return 'on';
}

export async function turnOff(): Promise<PushState> {
  const known = await subscription();
  if (known) {
    await api(path, { method: 'DELETE', auth: true, body: { endpoint: known.endpoint } });
    await known.unsubscribe();
  }
  keep(mark, null);
  return 'off';
}

/** Puts right what a sign-out, a new endpoint or another language made of it. */
export async function keepPush(userId: string): Promise<void> {
  if (recall(mark) !== userId || !pushSupported() || Notification.permission !== 'granted') return;
  await subscribe();
}

async function subscribe(): Promise<void> {
  await navigator.serviceWorker.register(`/sw.js?lang=${language()}`, { scope: '/' });
  const { pushManager } = await navigator.serviceWorker.ready;
  const { data } = await api<PushKey>(`${path}/key`, { auth: true });
  const key = bytes(data.public_key);
  const known = await pushManager.getSubscription();
  // A subscription of another key is another installation's at this address: nothing it is sent arrives.
  const stale = known && !sameKey(known.options.applicationServerKey, key);
  if (stale) await known.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const mine = (!stale && known) || (await pushManager.subscribe(options));
  await api(path, { method: 'POST', auth: true, body: mine.toJSON() as Told });
}

export function sameKey(one: ArrayBuffer | null, other: Uint8Array): boolean {
  if (one?.byteLength !== other.byteLength) return false;
  return new Uint8Array(one).every((byte, i) => byte === other[i]);
}

/** Reads base64url. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}
