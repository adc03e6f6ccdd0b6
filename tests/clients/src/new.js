import { PipecatClient } from "@pipecat-ai/client-js";
import { WavMediaManager, WebSocketTransport } from "@pipecat-ai/websocket-transport";
import { expose } from "./driver.js";

expose({
  names: [
    "onConnected", "onDisconnected", "onTransportStateChanged", "onBotStarted", "onBotReady", "onError", "onMessageError",
    "onServerMessage", "onBotOutput", "onBotTranscript", "onBotLlmStarted", "onBotLlmText", "onBotLlmStopped",
    "onUserLlmText", "onDeviceError",
  ],
  // {enableMic}. The transport's own choice of media manager fetches a script from its maker's servers when it connects;
  // the one below comes with the same package and needs only the browser. 512: samples a chunk, as the transport's default.
  make: ({ enableMic = false }, callbacks) =>
    new PipecatClient({
      transport: new WebSocketTransport({ mediaManager: new WavMediaManager(512, 16_000) }),
      enableMic,
      callbacks,
    }),
});
