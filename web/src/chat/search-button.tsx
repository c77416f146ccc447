import { strings } from '../strings.ts';
import { Icon } from '../ui/icon.tsx';

/** Opens and closes the search in a conversation. */
export function SearchButton({ isSearching, onClick }: { isSearching: boolean; onClick: () => void }) {
  const label = isSearching ? strings.chat.closeSearch : strings.chat.search;
  return (
    <button
      type="button"
      className="button quiet compact square"
      aria-pressed={isSearching}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name="search" size={20} />
    </button>
  );
}
