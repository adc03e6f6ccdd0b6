import { RTVIClient, RTVIMessage } from "@pipecat-ai/client-js";
import { WavMediaManager, WebSocketTransport } from "@pipecat-ai/websocket-transport";
import { expose } from "./driver.js";

// This transport has no setting for its media manager, and its own choice fetches a script from its maker's servers when it
// connects. The manager below comes with the same package and needs only the browser; a subclass is how it gets in.
class LocalTransport extends WebSocketTransport {
  constructor() {
    super();
    this._mediaManager = new WavMediaManager(512, 16_000);
    this._mediaManager.setUserAudioCallback(this.handleUserAudioStream.bind(this));
  }
}

expose({
  names: [
    "onConnected", "onDisconnected", "onTransportStateChanged", "onBotReady", "onError", "onMessageError", "onServerMessage",
    "onConfig", "onConfigDescribe", "onActionsAvailable", "onBotTranscript", "onBotLlmStarted", "onBotLlmText",
    "onBotLlmStopped", "onGenericMessage",
  ],
  // {enableMic, params} as the client takes them; `wsUrl` instead of an endpoint connects straight to that address.
  make: ({ enableMic = false, params, wsUrl }, callbacks) =>
    new RTVIClient({
      transport: new LocalTransport(),
      enableMic,
      callbacks,
      params: params ?? { baseUrl: wsUrl },
      ...(wsUrl ? { customConnectHandler: async () => ({ ws_url: wsUrl }) } : {}),
    }),
  // The client has no method for a message type of one's own choice; this is the way its documentation gives.
  extra: { sendMessage: (client, type, data) => client.sendMessage(new RTVIMessage(type, data)) },
});
