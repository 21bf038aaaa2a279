/** Tokens of people and programs: made, shown once, revoked. */
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForbidden } from "../../../client/access";
import { Action, FormAction } from "../../../components/Action";
import { Button } from "../../../components/Button";
import { Command } from "../../../components/Copy";
import { DataTable, type Column } from "../../../components/DataTable";
import { Dialog, DialogButtons } from "../../../components/Dialog";
import { FieldRow, Select, TextField } from "../../../components/Fields";
import { Notice } from "../../../components/Notice";
import { Read } from "../../../components/Read";
import { RelativeTime } from "../../../components/RelativeTime";
import { Tag } from "../../../components/Tag";
import { serverNow } from "../../../lib/time";
import { createToken, revokeToken, tokensQuery, type RoleName, type TokenRead } from "../api";

const ROLES: RoleName[] = ["viewer", "developer", "approver", "admin"];

function stateOf({ revoked_at: revoked, expires_at: expires }: TokenRead): "revoked" | "expired" | "valid" {
  if (revoked) return "revoked";
  return expires && Date.parse(expires) < serverNow() ? "expired" : "valid";
}

function columns(forbidden: string | undefined): Column<TokenRead>[] {
  return [
    { id: "name", header: "Token", value: ({ name }) => name, width: "minmax(140px, 1fr)" },
    { id: "owner", header: "Of", value: ({ owner }) => owner, width: "minmax(120px, 1fr)" },
    { id: "role", header: "Role", value: ({ role }) => role, width: "110px" },
    { id: "scopes", header: "Scopes", value: ({ scopes }) => scopes.join(", "), width: "minmax(160px, 1.5fr)" },
    {
      id: "state",
      header: "State",
      value: stateOf,
      cell: (row) => <Tag tone={stateOf(row) === "valid" ? "ok" : "idle"}>{stateOf(row)}</Tag>,
      width: "100px",
    },
    {
      id: "expires",
      header: "Expires",
      value: (row) => row.expires_at,
      cell: (row) => (row.expires_at ? <RelativeTime at={row.expires_at} /> : "never"),
      width: "120px",
    },
    {
      id: "created",
      header: "Made",
      value: (row) => row.created_at,
      cell: (row) => <RelativeTime at={row.created_at} />,
      width: "120px",
    },
    {
      id: "revoke",
      header: "Revoke",
      value: () => undefined,
      cell: (row) =>
        stateOf(row) === "valid" ? (
          <Action
            call={revokeToken(row.name)}
            kind="danger"
            forbidden={forbidden}
            confirm={{
              title: `Revoke ${row.name}?`,
              say: "Whoever uses it is refused from now on. It cannot be taken back.",
            }}
          >
            Revoke
          </Action>
        ) : null,
      width: "140px",
    },
  ];
}

export function Tokens() {
  const query = useInfiniteQuery(tokensQuery);
  const forbidden = useForbidden("admin");
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [role, setRole] = useState<RoleName>("developer");
  const [until, setUntil] = useState("");
  const [made, setMade] = useState<{ name: string; token: string }>();
  const call = name.trim()
    ? createToken({
        name: name.trim(),
        role,
        ...(owner.trim() ? { owner: owner.trim() } : {}),
        ...(until ? { expires_at: new Date(until).toISOString() } : {}),
      })
    : undefined;
  const fields = (
    <>
      <FieldRow>
        <TextField label="Name" value={name} onChange={setName} help="As ci, or anna-laptop." required autoFocus />
        <TextField
          label="Of whom"
          value={owner}
          onChange={setOwner}
          help="The name in the audit trail; else the token's."
        />
      </FieldRow>
      <FieldRow>
        <Select
          label="Role"
          value={role}
          onChange={(next) => setRole(ROLES.find((one) => one === next) ?? "viewer")}
          options={ROLES}
        />
        <TextField label="Expires" type="date" value={until} onChange={setUntil} help="Empty: never." />
      </FieldRow>
    </>
  );
  const create = (
    <FormAction
      title="A new token"
      submit="Create"
      kind="primary"
      forbidden={forbidden}
      call={call}
      fields={fields}
      onDone={(answer) => {
        setMade(answer);
        setName("");
        setOwner("");
        setUntil("");
      }}
    >
      New token
    </FormAction>
  );
  return (
    <>
      {forbidden ? (
        <Notice tone="attention" title="Tokens are seen and made by admins">
          <p>{forbidden}.</p>
        </Notice>
      ) : (
        <Read query={query} what="the tokens">
          {(rows) => (
            <DataTable
              name="tokens"
              label="Tokens"
              rows={rows}
              columns={columns(forbidden)}
              rowKey={(row) => row.name}
              empty="No tokens."
              tools={create}
            />
          )}
        </Read>
      )}
      <Dialog title={`The token ${made?.name ?? ""}`} open={made !== undefined} onClose={() => setMade(undefined)}>
        <p>It is shown this once: the server keeps only its hash.</p>
        <Command text={made?.token ?? ""} label="The token" />
        <DialogButtons>
          <Button kind="primary" onClick={() => setMade(undefined)}>
            I have it
          </Button>
        </DialogButtons>
      </Dialog>
    </>
  );
}
