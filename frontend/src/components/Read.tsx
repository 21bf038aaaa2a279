/** What a page shows of something read from the server: loading, refused, missing, away, or the thing itself. */
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { onServer } from "../lib/time";
import { Button } from "./Button";
import { Loading } from "./Loading";
import { Notice } from "./Notice";
import { RelativeTime } from "./RelativeTime";

/** What `Read` needs of a TanStack query. */
interface Query<Data> {
  data: Data | undefined;
  error: (Error & { status?: number; fix?: string | undefined }) | null;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

interface ReadProps<Data> {
  query: Query<Data>;
  /** As in "The dataset could not be read". */
  what: string;
  /** Where one may look instead, when it is not there. */
  instead?: { label: string; to: string };
  /** Shown while it loads; `null` for nothing. */
  loading?: ReactNode;
  children: (data: Data) => ReactNode;
}

function Failure<Data>({ query, what, instead }: Omit<ReadProps<Data>, "children">) {
  const { error } = query;
  if (!error) return null;
  const again = <Button onClick={() => void query.refetch()}>Try now</Button>;
  if (error.status === 404) {
    return (
      <Notice
        size="page"
        tone="attention"
        title={`There is no such thing here`}
        action={instead ? <Link to={instead.to}>{instead.label}</Link> : undefined}
      >
        <p>{error.message}</p>
        {error.fix ? <p>{error.fix}</p> : null}
      </Notice>
    );
  }
  if (error.status === 403) {
    return (
      <Notice size="page" tone="attention" title={`This token may not see ${what}`}>
        <p>{error.message}</p>
        <p>{error.fix ?? "Ask an admin for a token with the scope it needs, or sign in with another one."}</p>
      </Notice>
    );
  }
  return (
    <Notice size="page" tone="failed" title={`Reading ${what} did not work`} action={again}>
      <p>{error.message}</p>
      <p>
        {error.fix ??
          "Nothing is lost on the server. The page tries again when you do, or when something happens there."}
      </p>
    </Notice>
  );
}

export function Read<Data>({ query, what, instead, loading, children }: ReadProps<Data>) {
  if (query.data !== undefined) {
    return (
      <>
        {query.error?.status ? (
          <Notice
            tone="failed"
            title={query.error.message}
            action={<Button onClick={() => void query.refetch()}>Try now</Button>}
          >
            <p>
              You see what was known <RelativeTime at={onServer(query.dataUpdatedAt)} />.
            </p>
          </Notice>
        ) : null}
        {children(query.data)}
      </>
    );
  }
  if (query.error) return <Failure query={query} what={what} {...(instead ? { instead } : {})} />;
  return loading === undefined ? <Loading /> : loading;
}
