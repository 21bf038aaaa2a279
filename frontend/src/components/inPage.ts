/** Whether something is within a page that has its heading and its title. */
import { createContext } from "react";

export const InPage = createContext(false);
