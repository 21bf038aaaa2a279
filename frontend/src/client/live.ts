/** Whether the page follows the server's events: known to the shell, asked by what says so. */
import { createContext, useContext } from "react";
import type { StreamState } from "../lib/eventStream";

export const LiveContext = createContext<StreamState>("connecting");

export function useLive(): StreamState {
  return useContext(LiveContext);
}
