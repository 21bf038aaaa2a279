/** Who is signed in, with which role, and the way out. */
import type { Whoami } from "../../../client/types";
import { Button } from "../../../components/Button";
import { useLogout } from "../api";
import styles from "./Person.module.css";

export function Person({ person }: { person: Whoami }) {
  const logout = useLogout();
  return (
    <div className={styles.person}>
      <span className={styles.name} title={`Scopes: ${person.scopes.join(", ")}`}>
        {person.name}
        {person.role === person.name ? null : <span className={styles.role}>{person.role}</span>}
      </span>
      <Button busy={logout.isPending} onClick={() => logout.mutate()}>
        {logout.isError ? "Try again" : "Sign out"}
      </Button>
    </div>
  );
}
