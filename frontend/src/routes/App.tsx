/**
 * The frame: asks for a token until somebody is signed in, then shows the page. When the session ends, the page waits
 * behind the login box as it was: who signs in again finds what was typed; for somebody else it is a new one.
 */
import { useQuery } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { Activity, useState } from "react";
import { PersonContext } from "../client/access";
import { isOutage } from "../client/http";
import { Button } from "../components/Button";
import { Loading } from "../components/Loading";
import { Notice } from "../components/Notice";
import { pageOf, sessionQuery, useLogout } from "../features/session/api";
import { LoginForm } from "../features/session/components/LoginForm";
import { makeRouter } from "./router";
import styles from "./App.module.css";

export function App() {
  const session = useQuery(sessionQuery);
  const logout = useLogout();
  const [router] = useState(makeRouter);
  if (session.data) {
    const { person, ended } = session.data;
    const whose = person ?? ended;
    return (
      <>
        {whose ? (
          <PersonContext key={pageOf(whose)} value={whose}>
            <Activity mode={person ? "visible" : "hidden"}>
              <RouterProvider router={router} />
            </Activity>
          </PersonContext>
        ) : null}
        {person ? null : <LoginForm ended={ended !== null} />}
      </>
    );
  }
  return (
    <main className={styles.content}>
      {session.error ? (
        <Notice
          size="page"
          tone="failed"
          title={session.error.message}
          action={
            isOutage(session.error) ? (
              <Button onClick={() => void session.refetch()}>Try now</Button>
            ) : (
              <Button onClick={() => logout.mutate()}>Sign in with another token</Button>
            )
          }
        >
          {isOutage(session.error) ? (
            <p>
              It may be starting. This page tries again every few seconds. If it stays away, look at the output of{" "}
              <code>millrace up</code>.
            </p>
          ) : null}
        </Notice>
      ) : (
        <Loading />
      )}
    </main>
  );
}
