import { Avatar } from '../ui/avatar.tsx';

/** Whom it rings at: their initials, with rings going out while it does. */
export function RingingAvatar({ name, isRinging }: { name: string; isRinging: boolean }) {
  return (
    <span className={isRinging ? 'ringing-avatar rings' : 'ringing-avatar'}>
      <Avatar name={name} />
    </span>
  );
}
