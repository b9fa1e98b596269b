/** The generated messages of `frontdesk.v1`. */
export * from "./gen/frontdesk/v1/chat_pb.js";
export * from "./gen/frontdesk/v1/router_service_pb.js";
export * from "./gen/frontdesk/v1/routing_pb.js";
