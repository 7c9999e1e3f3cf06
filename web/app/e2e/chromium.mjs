import { chromium } from 'playwright-core';

// Chromium as the tests run it: node SCRIPT URL CHROMIUM.
export const [url, executablePath] = process.argv.slice(2);
export const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
