/** An icon drawn with one line; the words beside it, or the button's label, say what it means. */
function Icon({ path }: { path: string }) {
  return (
    <svg className="glyph" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" focusable="false">
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

export const TalkIcon = () => (
  <Icon path="M4 4.5h12a1.5 1.5 0 0 1 1.5 1.5v6a1.5 1.5 0 0 1-1.5 1.5H9.5L6 16.5v-3H4A1.5 1.5 0 0 1 2.5 12V6A1.5 1.5 0 0 1 4 4.5Z" />
);
export const ConfigureIcon = () => <Icon path="M3 6h7M14 6h3M3 14h3M10 14h7M12 4v4M8 12v4" />;
export const CallIcon = () => <Icon path="M7 3.5 3.5 10 7 16.5M13 3.5l3.5 6.5-3.5 6.5M11.2 7 8.8 13" />;
export const JobsIcon = () => <Icon path="M10 3a7 7 0 1 0 7 7M10 6.5V10l2.5 2M13 3.6A7 7 0 0 1 16.6 7.4" />;
export const PageIcon = () => <Icon path="M3 4.5h14v11H3zM3 8h14M5.5 6.2h.01M7.5 6.2h.01" />;
export const WireIcon = () => <Icon path="M6 16V4M6 4 3.5 6.5M6 4l2.5 2.5M14 4v12M14 16l-2.5-2.5M14 16l2.5-2.5" />;
export const PlusIcon = () => <Icon path="M10 4.5v11M4.5 10h11" />;
export const TrashIcon = () => <Icon path="M4 6h12M8 6V4.2h4V6M5.5 6l.6 10h7.8l.6-10M8.3 9v4.5M11.7 9v4.5" />;
export const UpIcon = () => <Icon path="M10 15.5v-11M5.5 9 10 4.5 14.5 9" />;
export const DownIcon = () => <Icon path="M10 4.5v11M5.5 11l4.5 4.5 4.5-4.5" />;
export const SendIcon = () => <Icon path="M10 16V4.5M5 9.2l5-4.9 5 4.9" />;
export const StopIcon = () => <Icon path="M6 6h8v8H6z" />;
export const MicIcon = () => (
  <Icon path="M10 3a2.2 2.2 0 0 1 2.2 2.2v4a2.2 2.2 0 0 1-4.4 0v-4A2.2 2.2 0 0 1 10 3ZM5 9.5a5 5 0 0 0 10 0M10 14.5V17" />
);
export const MicOffIcon = () => (
  <Icon path="M12.2 9.2v-4a2.2 2.2 0 0 0-4.3-.6M7.8 8.5v.7a2.2 2.2 0 0 0 3.3 1.9M5 9.5a5 5 0 0 0 8 4M15 9.5a5 5 0 0 1-.5 2.2M10 14.5V17M3.5 3.5l13 13" />
);
export const SpeakerIcon = () => (
  <Icon path="M3.5 8v4h2.7L10 15.2V4.8L6.2 8ZM12.8 7.5a3.5 3.5 0 0 1 0 5M15 5.3a6.6 6.6 0 0 1 0 9.4" />
);
export const CopyIcon = () => <Icon path="M7 7h9v9H7zM4 12.5V4h8.5" />;
export const AgainIcon = () => <Icon path="M16 10a6 6 0 1 1-1.8-4.3M16 3.5v3.2h-3.2" />;
export const SaveIcon = () => <Icon path="M10 3.5v9M6.5 9.3 10 12.8l3.5-3.5M4 16h12" />;
export const CloseIcon = () => <Icon path="M5 5l10 10M15 5 5 15" />;
export const SunIcon = () => (
  <Icon path="M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM10 2v1.6M10 16.4V18M2 10h1.6M16.4 10H18M4.3 4.3l1.2 1.2M14.5 14.5l1.2 1.2M15.7 4.3l-1.2 1.2M5.5 14.5l-1.2 1.2" />
);
export const MoonIcon = () => <Icon path="M16.5 12A7 7 0 0 1 8 3.5 7 7 0 1 0 16.5 12Z" />;
