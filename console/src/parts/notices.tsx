import { useStore } from "../rtvi/store";
import { CloseIcon } from "./icons";
import { useSession } from "./session_context";

/** Errors that the bot told without having been asked. */
export function Notices() {
  const session = useSession();
  const notices = useStore(session.notices);
  return (
    <div role="alert" className="notices">
      {notices.map((notice) => (
        <div key={notice.number} className="notice">
          <p>
            {notice.text} {notice.code && <code>{notice.code}</code>}
          </p>
          <button
            type="button"
            className="icon"
            aria-label="dismiss this notice"
            onClick={() => session.dismiss(notice.number)}
          >
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}

/** Toasts that the bot asked for. */
export function Toasts() {
  const { page } = useSession();
  const toasts = useStore(page.toasts);
  return (
    <div className="toasts" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.number} className="toast">
          <div>
            <p className="toast-title">{toast.title}</p>
            {toast.subtitle && <p>{toast.subtitle}</p>}
            {toast.description && <p className="muted">{toast.description}</p>}
          </div>
          <button type="button" className="icon" aria-label="dismiss" onClick={() => page.dismiss(toast.number)}>
            <CloseIcon />
          </button>
        </div>
      ))}
    </div>
  );
}
