import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { Bots } from "./bots";
import { SessionProvider } from "./parts/session_context";
import { listBots, pageFolder } from "./rtvi/addresses";
import { Session } from "./rtvi/session";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css";
import "./styles/forms.css";
import "./styles/views.css";

async function begin(): Promise<void> {
  const place = document.getElementById("console");
  if (!place) return;
  const root = createRoot(place);
  const folder = pageFolder();
  const bots = await listBots(folder);
  if (bots.length > 1) {
    root.render(
      <StrictMode>
        <Bots bots={bots} />
      </StrictMode>,
    );
    return;
  }
  const session = new Session();
  root.render(
    <StrictMode>
      <SessionProvider value={session}>
        <App />
      </SessionProvider>
    </StrictMode>,
  );
  session.connection.open();
}

void begin();
