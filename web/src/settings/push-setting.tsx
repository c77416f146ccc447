import { useEffect, useState } from 'react';
import { errorCode, errorText } from '../error-text.ts';
import { useClient } from '../shell/client-context.tsx';
import { strings } from '../strings.ts';
import { isPushOn, isPushPossible, turnPushOff, turnPushOn } from './push.ts';
import { Setting } from './setting.tsx';

interface PushSettingProps {
  /** Whether pushes are sent to this user at all. */
  isWanted: boolean;
  onChange: (isWanted: boolean) => void;
  onProblem: (problem: string | undefined) => void;
}

/** Whether this very browser is notified: it asks the browser for leave, and the server hears where to send. */
export function PushSetting({ isWanted, onChange, onProblem }: PushSettingProps) {
  const { notifications } = useClient();
  const [isOn, setOn] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const words = strings.settings;
  const isPossible = isPushPossible();

  useEffect(() => {
    let wanted = true;
    isPushOn(notifications).then(
      (on) => wanted && setOn(on),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [notifications]);

  async function change(wish: boolean) {
    setBusy(true);
    onProblem(undefined);
    try {
      if (wish) await turnPushOn(notifications);
      else await turnPushOff(notifications);
      setOn(wish);
      if (wish && !isWanted) onChange(true);
    } catch (error) {
      onProblem(pushProblem(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Setting
      label={words.push}
      hint={isPossible ? words.pushHint : words.pushUnsupported}
      isOn={isOn && isWanted}
      isDisabled={!isPossible || isBusy}
      onChange={(wish) => void change(wish)}
    />
  );
}

function pushProblem(error: unknown): string {
  const code = errorCode(error);
  if (code === 'client.device_denied') return strings.settings.pushBlocked;
  return code === 'client.unsupported' ? strings.settings.pushFailed : errorText(error);
}
