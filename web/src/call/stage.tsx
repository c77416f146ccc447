import { useMemo } from 'react';
import type { RoomView } from '../../../src/client/index.ts';
import { strings } from '../strings.ts';
import { CopyLink } from '../ui/copy-link.tsx';
import { Grid } from './grid.tsx';
import { chooseShown, peopleOf, screensOf } from './people-on-stage.ts';
import { PersonTile } from './person-tile.tsx';
import { ScreenTile } from './screen-tile.tsx';

/** More faces than this say nothing at the size they would have. */
const mostTiles = 16;
const mostThumbnails = 6;

/** Who is seen how: one, one and oneself, a grid, or a screen with faces beside it. */
export function Stage({ view, isCall = false }: { view: RoomView; isCall?: boolean }) {
  const people = useMemo(() => peopleOf(view), [view]);
  const screens = useMemo(() => screensOf(view), [view]);
  const [screen, ...otherScreens] = screens;
  const others = people.filter(({ isMe }) => !isMe);
  const me = people.find(({ isMe }) => isMe);

  if (screen !== undefined) {
    const shown = chooseShown(people, mostThumbnails);
    return (
      <section className="stage with-screen" aria-label={strings.call.stage}>
        <ScreenTile key={screen.subscription.producerId} screen={screen} />
        <div className="thumbnails">
          {otherScreens.map((other) => (
            <ScreenTile key={other.subscription.producerId} screen={other} />
          ))}
          {shown.map((person) => (
            <PersonTile key={person.participant.participantId} person={person} />
          ))}
          {shown.length < people.length && <span className="more">{strings.call.moreOnes(people.length - shown.length)}</span>}
        </div>
      </section>
    );
  }

  const [onlyOther] = others;
  if (others.length === 1 && onlyOther !== undefined) {
    return (
      <section className="stage one-to-one" aria-label={strings.call.stage}>
        <PersonTile key={onlyOther.participant.participantId} person={onlyOther} />
        {me !== undefined && (
          <div className="self-view">
            <PersonTile key={me.participant.participantId} person={me} />
          </div>
        )}
      </section>
    );
  }

  const shown = chooseShown(people, mostTiles);
  return (
    <section className="stage" aria-label={strings.call.stage}>
      <Grid>
        {shown.map((person) => (
          <PersonTile key={person.participant.participantId} person={person} />
        ))}
      </Grid>
      {shown.length < people.length && <span className="more">{strings.call.moreOnes(people.length - shown.length)}</span>}
      {others.length === 0 && view.waiting.length === 0 && view.info !== undefined && (
        <div className="alone">
          <p>{aloneText(view, isCall)}</p>
          {view.me?.isModerator && !isCall && <CopyLink roomId={view.info.roomId} className="button primary compact" />}
        </div>
      )}
    </section>
  );
}

function aloneText(view: RoomView, isCall: boolean): string {
  if (isCall) return strings.calls.inCall.alone;
  return view.me?.isModerator ? strings.call.aloneModerator : strings.call.alone;
}
