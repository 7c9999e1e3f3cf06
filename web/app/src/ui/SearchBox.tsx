import {
  type FormEvent,
  type KeyboardEvent,
  useDeferredValue,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import type { ShortTitle } from '../api/types';
import { search, titlePath } from '../catalog';
import { mainName, otherName, posterURL } from '../format';
import { useWords } from '../i18n';
import { useQuery } from '../query';
import { Link, navigate } from '../router';
import { Icon } from './Icon';
import { Poster } from './Poster';

const pause = 180;

function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), pause);
    return () => clearTimeout(timer);
  }, [text]);
  return useDeferredValue(settled.trim());
}

/** Search as you type, with the results as a listbox under the field. */
export function SearchBox({ onLeave, autoFocus }: { onLeave?: () => void; autoFocus?: boolean }) {
  const { t } = useWords();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const box = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const listId = useId();
  const wanted = useSettled(text);
  const found = useQuery(wanted.length >= 2 ? search(wanted) : null);
  const results = open && wanted.length >= 2 ? (found.answer?.data ?? []) : [];
  const shown = open && wanted.length >= 2 && found.answer !== undefined;

  useEffect(() => {
    if (autoFocus) field.current?.focus();
  }, [autoFocus]);
  useSlashKey(field);

  function leave() {
    setOpen(false);
    setActive(-1);
    setText('');
    field.current?.blur();
    onLeave?.();
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    const chosen = results[active];
    if (chosen) navigate(titlePath(chosen.id));
    else if (text.trim()) navigate(`/catalogue?${new URLSearchParams({ search: text.trim() })}`);
    else return;
    leave();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === 'Escape') {
      leave();
      return;
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0 || results.length === 0) return;
    event.preventDefault();
    setActive((active + step + results.length + 1) % (results.length + 1));
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: <search> is not announced by all readers yet
    <form
      className="search"
      role="search"
      aria-label={t.search.label}
      ref={box}
      onSubmit={submit}
      onBlur={(event) => {
        if (!box.current?.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        role="combobox"
        value={text}
        placeholder={t.search.placeholder}
        aria-label={t.search.label}
        aria-expanded={shown}
        aria-controls={shown ? listId : undefined}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 && active < results.length ? `${listId}-${active}` : undefined}
        autoComplete="off"
        enterKeyHint="search"
        maxLength={100}
        onChange={(event) => {
          setText(event.target.value);
          setActive(-1);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={onKeyDown}
      />
      <span className="search-key" aria-hidden="true">
        /
      </span>
      {shown ? (
        <div className="search-results">
          <div role="listbox" id={listId} aria-label={t.search.label} tabIndex={-1}>
            {results.map((title, index) => (
              <Result
                key={title.id}
                title={title}
                id={`${listId}-${index}`}
                active={index === active}
                leave={leave}
              />
            ))}
          </div>
          {results.length === 0 ? <p className="search-none">{t.search.none}</p> : null}
        </div>
      ) : null}
    </form>
  );
}

interface ResultProps {
  title: ShortTitle;
  id: string;
  active: boolean;
  leave: () => void;
}

function Result({ title, id, active, leave }: ResultProps) {
  const { lang, t } = useWords();
  const name = mainName(lang, title.names);
  const facts = [title.type ? (t.type[title.type] ?? title.type) : null, title.year].filter(Boolean);
  return (
    <Link
      role="option"
      id={id}
      aria-selected={active}
      className={active ? 'search-result active' : 'search-result'}
      to={titlePath(title.id)}
      tabIndex={-1}
      onClick={leave}
    >
      <Poster src={posterURL(title.poster, 'small')} seed={title.id} name="" />
      <span className="search-result-text">
        <span className="search-result-name">{name}</span>
        <span className="search-result-more">
          {[otherName(lang, title.names), ...facts].filter(Boolean).join(' · ')}
        </span>
      </span>
    </Link>
  );
}

/** "/" goes to the search from anywhere but a field. */
function useSlashKey(field: React.RefObject<HTMLInputElement | null>) {
  useEffect(() => {
    function onKey(event: globalThis.KeyboardEvent) {
      const target = event.target as HTMLElement;
      if (event.key !== '/' || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      event.preventDefault();
      field.current?.focus();
    }
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [field]);
}
