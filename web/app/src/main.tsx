import './styles/index.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { watchArrival } from './account/arrival';
import { session } from './api';
import { goLive } from './live/live';
import { followSystemTheme } from './prefs';
import { startRouter } from './router';

startRouter();
followSystemTheme();
watchArrival();
void session.restore();
goLive();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
