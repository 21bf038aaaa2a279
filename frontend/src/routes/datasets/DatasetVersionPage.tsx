/** `/datasets/$name/versions/$number`: what is in a version, whether it is any good, what may be done with it. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { CopyId } from "../../components/Copy";
import { Stat, Stats } from "../../components/Facts";
import { Notice } from "../../components/Notice";
import { Page, Stack } from "../../components/Page";
import { Read } from "../../components/Read";
import { RelativeTime } from "../../components/RelativeTime";
import { State } from "../../components/State";
import { Tabs, type TabPart } from "../../components/Tabs";
import { reportQuery } from "../../features/data_checks/api";
import { CheckReport } from "../../features/data_checks/components/CheckReport";
import { Quarantine } from "../../features/data_checks/components/Quarantine";
import { Rejected } from "../../features/data_checks/components/Rejected";
import { RunChecks } from "../../features/data_checks/components/RunChecks";
import { canQuarantine } from "../../features/data_checks/report";
import { profileQuery, versionQuery, type Version } from "../../features/datasets/api";
import { Files } from "../../features/datasets/components/Files";
import { Keeping } from "../../features/datasets/components/Keeping";
import { LineagePanel } from "../../features/datasets/components/LineagePanel";
import { Profile } from "../../features/datasets/components/Profile";
import { SingleFile } from "../../features/datasets/components/SingleFile";
import { VersionJobs } from "../../features/datasets/components/VersionJobs";
import { provenance } from "../../features/datasets/provenance";
import { bytes, number as shown } from "../../lib/numbers";

function ProfileTab({ version }: { version: Version }) {
  const query = useQuery(profileQuery(version));
  if (version.state === "registered") {
    return (
      <Notice tone="running" title="Its profile is being made">
        <p>It appears with the result of the checks, by itself.</p>
      </Notice>
    );
  }
  return (
    <Read query={query} what="the profile">
      {(profile) => <Profile profile={profile} />}
    </Read>
  );
}

function Numbers({ version }: { version: Version }) {
  const { rows, files, size, stored_size, format } = version;
  return (
    <Stats>
      <Stat label="Rows" value={shown(rows)} note={format} />
      <Stat label="Files" value={shown(files)} />
      <Stat label="Size" value={bytes(size)} />
      {stored_size != null ? <Stat label="Stored" value={bytes(stored_size)} note="what it adds to the store" /> : null}
    </Stats>
  );
}

function Parts({ version }: { version: Version }) {
  const { dataset: name, number, state } = version;
  const checks: TabPart = {
    id: "checks",
    label: "Checks",
    show: () => (
      <Stack>
        {state === "rejected" ? <Rejected name={name} number={number} reasons={version.reasons} /> : null}
        <CheckReport name={name} number={number} />
      </Stack>
    ),
  };
  const rest: TabPart[] = [
    { id: "files", label: "Files", count: version.files, show: () => <Files version={version} /> },
    {
      id: "lineage",
      label: "Lineage",
      show: () => (
        <Stack>
          <LineagePanel version={version} />
        </Stack>
      ),
    },
    { id: "keep", label: "Keep or delete", show: () => <Keeping version={version} /> },
  ];
  const profile: TabPart = { id: "profile", label: "Profile", show: () => <ProfileTab version={version} /> };
  // What is wrong comes first.
  const first = state === "rejected" ? [checks, profile] : [profile, checks];
  return <Tabs label="Parts of the version" parts={[...first, ...rest]} />;
}

function Actions({ version }: { version: Version }) {
  const { dataset: name, number } = version;
  const { data: report } = useQuery(reportQuery(name, number));
  return (
    <>
      {version.state === "rejected" ? null : <RunChecks name={name} number={number} />}
      {report && version.state === "validated" && canQuarantine(report, true) ? (
        <Quarantine name={name} number={number} report={report} onDone={() => undefined} />
      ) : null}
      {version.files === 1 ? <SingleFile version={version} /> : null}
    </>
  );
}

function Deleted({ version }: { version: Version }) {
  return (
    <Notice tone="attention" title="This version was deleted">
      <p>
        {version.deleted_at ? <RelativeTime at={version.deleted_at} /> : null} by {version.deleted_by}. Its number stays
        taken; the same bytes sent again are a new version.
      </p>
    </Notice>
  );
}

export function DatasetVersionPage() {
  const { name, number } = useParams({ from: "/datasets/$name/versions/$number" });
  const query = useQuery(versionQuery(name, number));
  const version = query.data;
  return (
    <Page
      title={`${name} version ${version?.number ?? number}`}
      crumbs={[
        { label: "Datasets", to: "/datasets" },
        { label: name, to: `/datasets/${name}` },
      ]}
      marks={
        version ? (
          <>
            <State of={version.state} />
            <CopyId id={version.id} noun="dataset version" />
          </>
        ) : null
      }
      about={
        version ? (
          <>
            {version.message ? <p>{version.message}</p> : null}
            <p>
              {provenance(version.source)}, <RelativeTime at={version.created_at} /> by {version.created_by}
              {version.number > 1 ? (
                <>
                  {" · "}
                  <Link
                    to="/datasets/$name/diff"
                    params={{ name }}
                    search={{ from: String(version.number - 1), to: String(version.number) } as never}
                  >
                    compare with {version.number - 1}
                  </Link>
                </>
              ) : null}
            </p>
          </>
        ) : null
      }
      actions={version && version.state !== "deleted" ? <Actions version={version} /> : null}
    >
      <Read query={query} what="the version" instead={{ label: "All versions", to: `/datasets/${name}` }}>
        {(read) => (
          <>
            <Numbers version={read} />
            <VersionJobs subject={`datasets/${read.dataset}/versions/${read.number}`} />
            {read.state === "deleted" ? (
              <>
                <Deleted version={read} />
                <LineagePanel version={read} />
              </>
            ) : (
              <Parts version={read} />
            )}
          </>
        )}
      </Read>
    </Page>
  );
}
