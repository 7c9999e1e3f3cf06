// What makes the reference handier; it is whole without. The first lines run before
// the first paint, so that the theme of the site does not flash.
(() => {
  try {
    const theme = localStorage.getItem('anihub.theme');
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // storage may be forbidden; the system's preference does
  }

  document.addEventListener('DOMContentLoaded', () => {
    const index = document.querySelector('.index details');
    const narrow = matchMedia('(max-width: 859px)');
    index.open = !narrow.matches;
    narrow.addEventListener('change', () => (index.open = !narrow.matches));
    index.addEventListener('click', (event) => {
      if (narrow.matches && event.target.closest('a')) index.open = false;
    });

    const filter = document.querySelector('.filter');
    const entries = [...document.querySelectorAll('.entries')];
    filter.hidden = false;
    filter.addEventListener('input', () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const entry of entries) {
        for (const item of entry.querySelectorAll('li')) {
          const text = item.textContent.toLowerCase();
          item.hidden = !words.every((word) => text.includes(word));
        }
        entry.hidden = !entry.querySelector('li:not([hidden])');
      }
      document.querySelector('.none').hidden = entries.some((entry) => !entry.hidden);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.target.closest('input')) return;
      event.preventDefault();
      index.open = true;
      filter.focus();
    });

    for (const sample of document.querySelectorAll('.sample')) {
      const code = sample.querySelector('code');
      code.textContent = code.textContent.replaceAll('http://localhost:8080', location.origin);
      if (!navigator.clipboard) continue; // only over https and on this machine
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'Copy';
      button.setAttribute('aria-live', 'polite');
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = 'Copied';
        setTimeout(() => (button.textContent = 'Copy'), 2000);
      });
      sample.querySelector('figcaption').append(button);
    }
  });
})();
