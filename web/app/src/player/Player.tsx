import '../styles/player.css';
import { useState } from 'react';
import type { Episode, Title } from '../api/types';
import { mainName } from '../format';
import { fill, useWords } from '../i18n';
import { Notice } from '../ui/States';
import { Embedded } from './Embedded';
import { StreamPlayer } from './StreamPlayer';
import { choicesOf, type Embed } from './sources';

export interface PlayerProps {
  title: Title;
  episode: Episode;
  next: Episode | null;
  open: (episode: Episode) => void;
}

/** Plays an episode by whatever it has: its own streams first, a video host's player else. */
export default function Player(props: PlayerProps) {
  const { lang, t } = useWords();
  const { episode, title } = props;
  const { streams, embeds } = choicesOf(episode);
  const [chosen, setChosen] = useState<Embed['name'] | null>(null);
  const embed = embeds.find(({ name }) => name === chosen) ?? (streams.length === 0 ? embeds[0] : undefined);
  const label = fill(t.player.label, { title: mainName(lang, title.names) });

  if (embed) {
    const back = streams.length > 0 ? () => setChosen(null) : undefined;
    return (
      <Embedded {...{ embed, embeds, label, back }} next={props.next} open={props.open} choose={setChosen} />
    );
  }
  if (streams.length === 0) {
    return (
      <div className="stage failed">
        <Notice icon="calendar" title={t.player.noSource} hint={t.player.noSourceHint} />
      </div>
    );
  }
  return (
    <StreamPlayer
      key={episode.id || episode.ordinal}
      {...props}
      {...{ streams, embeds, label }}
      chooseEmbed={setChosen}
    />
  );
}
