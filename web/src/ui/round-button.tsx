import { Icon, type IconName } from './icon.tsx';

interface RoundButtonProps {
  icon: IconName;
  /** The name of what a click does; a tooltip and, where there is room, words below the icon. */
  label: string;
  /** The single key that does the same. */
  shortcut?: string;
  /** Switched off: drawn so that it is noticed. */
  off?: boolean;
  /** Something runs or is open. */
  active?: boolean;
  /** For buttons that open something: whether it is open. */
  expanded?: boolean;
  tone?: 'danger';
  disabled?: boolean;
  /** A number on the corner. */
  badge?: number;
  /** What is read out after the name. */
  description?: string;
  onClick: () => void;
}

/** A button of the call bar and the preview. */
export function RoundButton({
  icon,
  label,
  shortcut,
  off,
  active,
  expanded,
  tone,
  disabled,
  badge,
  description,
  onClick,
}: RoundButtonProps) {
  const classes = ['round', off && 'off', active && 'active', tone].filter(Boolean).join(' ');
  return (
    <button
      type="button"
      className={classes}
      title={shortcut === undefined ? label : `${label} (${shortcut})`}
      aria-keyshortcuts={shortcut}
      aria-expanded={expanded}
      aria-description={description}
      disabled={disabled}
      onClick={onClick}
    >
      <span className="round-icon">
        <Icon name={icon} />
        {badge !== undefined && (
          <span className={description === undefined ? 'badge' : 'badge news'} aria-hidden="true">
            {badge}
          </span>
        )}
      </span>
      <span className="round-label">{label}</span>
    </button>
  );
}
