// Runs before the first paint and before the bundle: it decides theme and
// language, so that nothing flashes, and asks for the first screen's data
// while the bundle is still on its way. A file and not an inline script,
// because the Content-Security-Policy allows no inline script.
(() => {
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden; the defaults do
    }
  };
  const root = document.documentElement;

  const theme = read('anihub.theme');
  const light = theme ? theme === 'light' : matchMedia('(prefers-color-scheme: light)').matches;
  root.dataset.theme = light ? 'light' : 'dark';
  document.querySelector('meta[name=theme-color]').content = light ? '#f3f4f9' : '#10121b';

  const spoken = [...(navigator.languages || [])].map((tag) => tag.slice(0, 2));
  const lang = read('anihub.lang') || spoken.find((tag) => tag === 'ru' || tag === 'en') || 'ru';
  root.lang = lang === 'en' ? 'en' : 'ru';

  const api = '/api/anilibria/v2';
  const wanted = [];
  const title = location.pathname.match(/^\/title\/(\d+)$/);
  if (location.pathname === '/') {
    wanted.push('/updates?limit=12', '/titles?status=ongoing&sort=popularity&order=desc&limit=12');
    wanted.push('/schedule', '/popular?limit=10');
  } else if (title) {
    wanted.push(`/titles/${title[1]}`);
  }
  window.anihubEarly = {};
  for (const path of wanted) {
    const answer = fetch(api + path, { headers: { 'Accept-Language': root.lang } });
    answer.catch(() => {}); // whoever takes it handles the failure
    window.anihubEarly[api + path] = answer;
  }

  // The largest picture of the screen need not wait for the bundle either. Its
  // size is chosen as `leadPosterURL` in src/format.ts chooses it.
  const lead = window.anihubEarly[api + wanted[0]];
  const order = innerWidth < 720 ? ['medium', 'large', 'small'] : ['large', 'medium', 'small'];
  const hurry = ({ data }) => {
    const poster = (Array.isArray(data) ? data[0] : data)?.poster || {};
    const url = order.map((size) => poster[size]).find(Boolean);
    if (!url) return;
    const image = new Image();
    image.referrerPolicy = 'no-referrer';
    image.fetchPriority = 'high';
    image.src = url;
  };
  lead?.then((response) => response.ok && response.clone().json().then(hurry)).catch(() => {});
})();
