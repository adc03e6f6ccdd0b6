import { LLMHelper, RTVIClient, RTVIMessage } from "@pipecat-ai/client-js";
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
    "onBotLlmStopped", "onGenericMessage", "onLLMFunctionCall", "onLLMFunctionCallStart",
  ],
  // {enableMic, params} as the client takes them; `wsUrl` instead of an endpoint connects straight to that address.
  // `headers` go with every HTTP request.
  make: ({ enableMic = false, params, wsUrl, headers }, callbacks) => {
    const client = new RTVIClient({
      transport: new LocalTransport(),
      enableMic,
      callbacks,
      params: { ...(params ?? { baseUrl: wsUrl }), ...(headers ? { headers: new Headers(headers) } : {}) },
      ...(wsUrl ? { customConnectHandler: async () => ({ ws_url: wsUrl }) } : {}),
    });
    const { onLLMFunctionCall, onLLMFunctionCallStart } = callbacks;
    client.registerHelper("llm", new LLMHelper({ callbacks: { onLLMFunctionCall, onLLMFunctionCallStart } }));
    return client;
  },
  extra: {
    // The client has no method for a message type of one's own choice; this is the way its documentation gives.
    sendMessage: (client, _record, type, data) => client.sendMessage(new RTVIMessage(type, data)),
    // A method of its helper for LLMs.
    llm: (client, _record, method, ...args) => client.getHelper("llm")[method](...args),
    // Execute functions as told: {returns: value} answers with it, {throws: text} fails, {} gives nothing.
    answerFunctions: (client, record, told) =>
      client.getHelper("llm").handleFunctionCall(async (call) => {
        record(`function:${call.functionName}`, [call]);
        if (told.throws) throw new Error(told.throws);
        return told.returns;
      }),
  },
});
