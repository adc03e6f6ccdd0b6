import { PipecatClient } from "@pipecat-ai/client-js";
import { WavMediaManager, WebSocketTransport } from "@pipecat-ai/websocket-transport";
import { expose } from "./driver.js";

expose({
  names: [
    "onConnected", "onDisconnected", "onTransportStateChanged", "onBotStarted", "onBotReady", "onError", "onMessageError",
    "onServerMessage", "onBotOutput", "onBotTranscript", "onBotLlmStarted", "onBotLlmText", "onBotLlmStopped",
    "onUserLlmText", "onDeviceError", "onUICommand", "onUIJobGroup", "onLLMFunctionCallStarted",
    "onLLMFunctionCallInProgress", "onLLMFunctionCallStopped", "onLLMFunctionCall",
  ],
  // {enableMic}. The transport's own choice of media manager fetches a script from its maker's servers when it connects;
  // the one below comes with the same package and needs only the browser. 512: samples a chunk, as the transport's default.
  make: ({ enableMic = false }, callbacks) =>
    new PipecatClient({
      transport: new WebSocketTransport({ mediaManager: new WavMediaManager(512, 16_000) }),
      enableMic,
      callbacks,
    }),
  extra: {
    // Execute a function as told: {returns: value} answers with it, {throws: text} fails, {} gives nothing.
    answerFunction: (client, record, name, told) =>
      client.registerFunctionCallHandler(name, async (call) => {
        record(`function:${name}`, [call]);
        if (told.throws) throw new Error(told.throws);
        return told.returns;
      }),
    // What the user sees; a snapshot stream notices.
    show: (_client, _record, html) => {
      document.body.innerHTML = html;
    },
    snooze: (_client, _record, ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  },
});
