import { useEffect, useRef, useState } from "react";
import { SaveIcon, SendIcon, StopIcon } from "../parts/icons";
import { fileName, saveFile } from "../parts/saving";
import { useIsReady, useSession } from "../parts/session_context";
import { timeOfDay } from "../parts/time";
import { asTranscript, type Turn } from "../rtvi/conversation";
import { useStore } from "../rtvi/store";
import { NotDescribed } from "./not_described";
import { Voice } from "./voice";

/** The conversation, by text and, where the bot can, by voice. */
export function TalkView() {
  const session = useSession();
  const turns = useStore(session.conversation.turns);
  const { bot, answers_text } = useStore(session.description);
  const { bot: isHeard } = useStore(session.speech);
  const lastOfBot = turns.findLast((turn) => turn.who === "bot");
  const end = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const last = turns.at(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever is said brings the end into view
  useEffect(() => {
    if (isAtEnd.current) end.current?.scrollIntoView({ block: "end" });
  }, [last?.id, last?.text]);
  return (
    <div className="talk">
      <div className="view-head">
        <h1>Talk</h1>
        <div className="view-actions">
          <button
            type="button"
            className="quiet"
            disabled={turns.length === 0}
            onClick={() => saveFile(fileName(bot, "conversation", "txt"), asTranscript(turns, bot), "text/plain")}
          >
            <SaveIcon /> Save
          </button>
          <button
            type="button"
            className="quiet"
            disabled={turns.length === 0}
            onClick={() => session.conversation.clear()}
          >
            Clear
          </button>
        </div>
      </div>
      <div
        className="turns"
        role="log"
        aria-label="conversation"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached from the keyboard
        tabIndex={0}
        onScroll={({ currentTarget: box }) => {
          isAtEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
        }}
      >
        {turns.length === 0 && <Welcome canTalk={answers_text !== false} />}
        {turns.map((turn) => (
          <TurnView key={turn.id} turn={turn} bot={bot || "bot"} isHeard={isHeard && turn === lastOfBot} />
        ))}
        <div ref={end} />
      </div>
      <Voice />
      <Composer canTalk={answers_text !== false} isSpeaking={isHeard || lastOfBot?.state === "speaking"} />
    </div>
  );
}

function Welcome({ canTalk }: { canTalk: boolean }) {
  const session = useSession();
  const { bot, description } = useStore(session.description);
  const { audioIn } = useStore(session.capabilities);
  if (!useStore(session.isDescribed)) return <NotDescribed />;
  return (
    <div className="welcome">
      <p className="welcome-name">{bot || "This bot"}</p>
      {description && <p>{description}</p>}
      <p className="muted">
        {audioIn
          ? `Turn on the microphone and speak${canTalk ? ", or write below" : ""}.`
          : canTalk
            ? "Say something below."
            : "It has no responder for text: what it can do is under Call and Configure."}
      </p>
    </div>
  );
}

function TurnView({ turn, bot, isHeard }: { turn: Turn; bot: string; isHeard: boolean }) {
  const isSpeaking = turn.who === "bot" && (turn.state === "speaking" || isHeard);
  const text = turn.state === "speaking" ? turn.text : turn.text.trimEnd();
  const said = turn.state === "interrupted" ? (turn.spoken ?? text.length) : text.length;
  const mark = { sent: "", speaking: "", done: "", interrupted: "interrupted", refused: "refused" }[turn.state];
  return (
    <article className={`turn is-${turn.who} is-${turn.state}`}>
      <header>
        <span className="turn-who">{turn.who === "you" ? "You" : bot}</span>
        <time dateTime={new Date(turn.at).toISOString()}>{timeOfDay(turn.at)}</time>
        {turn.isVoice && <span className="badge">voice</span>}
        {mark && <span className="badge is-bad">{mark}</span>}
      </header>
      <p>
        {text.slice(0, said)}
        {said < text.length && (
          <span className="unsaid" title="not said, or not to its end">
            {text.slice(said)}
          </span>
        )}
        {isSpeaking && <span className="caret" role="img" aria-label="still speaking" />}
      </p>
      {turn.note && <p className="fault">{turn.note}</p>}
    </article>
  );
}

function Composer({ canTalk, isSpeaking }: { canTalk: boolean; isSpeaking: boolean }) {
  const session = useSession();
  const isReady = useIsReady();
  const [text, setText] = useState("");
  const [back, setBack] = useState(0);
  const send = () => {
    if (!text.trim() || !isReady) return;
    session.say(text);
    setText("");
    setBack(0);
  };
  /** Take up what was said before: the arrows walk through it. */
  const recall = (step: number) => {
    const said = session.conversation.turns.get().filter((turn) => turn.who === "you" && !turn.isVoice);
    const next = Math.max(0, Math.min(said.length, back + step));
    setBack(next);
    setText(next === 0 ? "" : (said.at(-next)?.text ?? ""));
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label className="visually-hidden" htmlFor="message">
        Message
      </label>
      <textarea
        id="message"
        className="control"
        rows={1}
        value={text}
        disabled={!canTalk}
        placeholder={canTalk ? "Message" : "This bot takes no text"}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            send();
          } else if (event.key === "ArrowUp" && (text === "" || back > 0)) {
            event.preventDefault();
            recall(1);
          } else if (event.key === "ArrowDown" && back > 0) {
            event.preventDefault();
            recall(-1);
          }
        }}
      />
      {isSpeaking && (
        <button
          type="button"
          className="round is-stop"
          aria-label="stop the bot"
          onClick={() => void session.interrupt().catch(() => {})}
        >
          <StopIcon />
        </button>
      )}
      <button type="submit" className="round" aria-label="send" disabled={!isReady || !text.trim()}>
        <SendIcon />
      </button>
    </form>
  );
}
