/** The login box: asks for a token, says where to find one. */
import { useState, type SubmitEvent } from "react";
import { Problem } from "../../../client/http";
import { Button } from "../../../components/Button";
import { Mark } from "../../../components/Mark";
import { Notice } from "../../../components/Notice";
import { useLogin } from "../api";
import styles from "./LoginForm.module.css";

function refusal(error: Error): { title: string; why: string } {
  if (error instanceof Problem && error.status === 401) {
    return {
      title: "This token is not valid",
      why: "It may be mistyped, expired or revoked. Paste it again, or ask for a new one.",
    };
  }
  return { title: "Could not sign in", why: error.message };
}

export function LoginForm({ ended }: { ended: boolean }) {
  const [token, setToken] = useState("");
  const login = useLogin();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (token.trim()) login.mutate(token.trim());
  };
  const failed = login.error ? refusal(login.error) : undefined;
  return (
    <main className={styles.page}>
      <form className={styles.box} onSubmit={submit}>
        <h1 className={styles.title}>
          <Mark />
          Millrace
        </h1>
        {ended && !login.error ? (
          <Notice tone="attention" title="You were signed out">
            <p>The token has expired or was revoked.</p>
          </Notice>
        ) : null}
        {failed ? (
          <Notice tone="failed" title={failed.title}>
            <p>{failed.why}</p>
          </Notice>
        ) : null}
        <label className={styles.label}>
          Token
          <input
            className={styles.input}
            type="password"
            name="token"
            autoComplete="current-password"
            spellCheck={false}
            required
            autoFocus
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <Button type="submit" kind="primary" busy={login.isPending}>
          {login.isPending ? "Signing in…" : "Sign in"}
        </Button>
        <p className={styles.hint}>
          <code>millrace up</code> printed an admin token at its first start and keeps it in the file <code>token</code>{" "}
          of its home directory. Anyone else gets one from an admin.
        </p>
      </form>
    </main>
  );
}
