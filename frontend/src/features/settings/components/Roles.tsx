/** Which role may do what. */
import { useQuery } from "@tanstack/react-query";
import { usePerson } from "../../../client/access";
import { Panel } from "../../../components/Panel";
import { Read } from "../../../components/Read";
import { Tag } from "../../../components/Tag";
import { Facts } from "../../../components/Facts";
import { sentence } from "../../../lib/text";
import { rolesQuery } from "../api";

export function Roles() {
  const { role: mine } = usePerson();
  return (
    <Read query={useQuery(rolesQuery)} what="the roles">
      {(roles) =>
        roles.map(({ role, meant_for: who, scopes }) => (
          <Panel key={role} title={sentence(role)}>
            {role === mine ? <Tag tone="running">yours</Tag> : null}
            <p>{who}</p>
            <Facts of={Object.fromEntries(scopes.map(({ scope, allows }) => [scope, allows]))} />
          </Panel>
        ))
      }
    </Read>
  );
}
