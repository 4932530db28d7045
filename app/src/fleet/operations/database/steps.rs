//! The steps, in the order they are taken, with the exact commands.

use super::{CATCH_UP_WITHIN_S, DatabaseChange, STOP_WITHIN_S, look::Roles};
use crate::operations::{
    kind::OperationKind,
    plan::{PlannedStep, Undo},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseStep {
    /// Who has which role, once more, with every connection made that will be needed.
    NoteRoles,
    StopWrites,
    CatchUp,
    ConfirmGone,
    Fence,
    ApplyRelay,
    Promote,
    MoveAddress,
    FollowNew,
    DemoteOld,
    RecordLoss,
    Verify,
    SwitchOn,
    SaveErrant,
    Reseed,
    Follow,
    VerifyFollows,
}

impl DatabaseStep {
    pub const ALL: [DatabaseStep; 17] = [
        DatabaseStep::NoteRoles,
        DatabaseStep::StopWrites,
        DatabaseStep::CatchUp,
        DatabaseStep::ConfirmGone,
        DatabaseStep::Fence,
        DatabaseStep::ApplyRelay,
        DatabaseStep::Promote,
        DatabaseStep::MoveAddress,
        DatabaseStep::FollowNew,
        DatabaseStep::DemoteOld,
        DatabaseStep::RecordLoss,
        DatabaseStep::Verify,
        DatabaseStep::SwitchOn,
        DatabaseStep::SaveErrant,
        DatabaseStep::Reseed,
        DatabaseStep::Follow,
        DatabaseStep::VerifyFollows,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            DatabaseStep::NoteRoles => "note_roles",
            DatabaseStep::StopWrites => "stop_writes",
            DatabaseStep::CatchUp => "catch_up",
            DatabaseStep::ConfirmGone => "confirm_gone",
            DatabaseStep::Fence => "fence",
            DatabaseStep::ApplyRelay => "apply_relay",
            DatabaseStep::Promote => "promote",
            DatabaseStep::MoveAddress => "move_address",
            DatabaseStep::FollowNew => "follow_new",
            DatabaseStep::DemoteOld => "demote_old",
            DatabaseStep::RecordLoss => "record_loss",
            DatabaseStep::Verify => "verify",
            DatabaseStep::SwitchOn => "switch_on",
            DatabaseStep::SaveErrant => "save_errant",
            DatabaseStep::Reseed => "reseed",
            DatabaseStep::Follow => "follow",
            DatabaseStep::VerifyFollows => "verify_follows",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

const SWITCHOVER: [DatabaseStep; 8] = [
    DatabaseStep::NoteRoles,
    DatabaseStep::StopWrites,
    DatabaseStep::CatchUp,
    DatabaseStep::Promote,
    DatabaseStep::MoveAddress,
    DatabaseStep::FollowNew,
    DatabaseStep::DemoteOld,
    DatabaseStep::Verify,
];
const FAILOVER: [DatabaseStep; 9] = [
    DatabaseStep::NoteRoles,
    DatabaseStep::ConfirmGone,
    DatabaseStep::Fence,
    DatabaseStep::ApplyRelay,
    DatabaseStep::Promote,
    DatabaseStep::MoveAddress,
    DatabaseStep::FollowNew,
    DatabaseStep::RecordLoss,
    DatabaseStep::Verify,
];

fn reads() -> Undo {
    Undo::NothingToUndo("It only reads.".into())
}

fn forward(why: &str) -> Undo {
    Undo::Impossible(why.into())
}

impl DatabaseChange {
    pub(super) fn steps(&self, roles: &Roles) -> Vec<PlannedStep> {
        let steps: Vec<DatabaseStep> = match self.kind {
            OperationKind::SwitchOverDatabase => SWITCHOVER.into(),
            OperationKind::FailOverDatabase => FAILOVER.into(),
            _ => {
                let mut steps = vec![DatabaseStep::NoteRoles, DatabaseStep::SwitchOn, DatabaseStep::SaveErrant];
                steps.extend(self.reseed.then_some(DatabaseStep::Reseed));
                steps.extend([DatabaseStep::Follow, DatabaseStep::VerifyFollows]);
                steps
            }
        };
        steps.into_iter().map(|step| self.planned(step, roles)).collect()
    }

    fn planned(&self, step: DatabaseStep, roles: &Roles) -> PlannedStep {
        let nobody = || "?".to_string();
        let primary = roles.primary.clone().unwrap_or_else(nobody);
        let target = roles.target.clone().unwrap_or_else(nobody);
        let clients: Vec<&str> = self.clients.iter().map(|client| client.machine.as_str()).collect();
        let clients = clients.join(", ");
        let addresses: Vec<String> =
            self.writer.iter().map(|(network, (address, length))| format!("{address}/{length} on {network}")).collect();
        let addresses = addresses.join(" and ");
        let at =
            |machine: &str, commands: &[&str]| commands.iter().map(|command| format!("{machine}: {command}")).collect::<Vec<_>>();
        let each_address = |machine: &str, verb: &str| {
            let line = |(network, (address, length)): (&String, &(std::net::Ipv4Addr, u8))| {
                format!("{machine}: ip address {verb} {address}/{length} dev {network}")
            };
            self.writer.iter().map(line).collect::<Vec<_>>()
        };
        let follow = |machine: &str, source: &str| {
            let host = self.sync_address(source).map_or_else(nobody, |address| address.to_string());
            let change = format!("CHANGE MASTER TO MASTER_HOST='{host}', MASTER_USER='replicator', MASTER_USE_GTID=slave_pos");
            at(machine, &["STOP SLAVE", "SET GLOBAL read_only=ON", &change, "START SLAVE"])
        };
        let (words, commands, undo, seconds_expected) = match step {
            DatabaseStep::NoteRoles => {
                let words = "See once more who has which role, and open every connection that will be needed.".to_string();
                (words, vec![], reads(), 1)
            }
            DatabaseStep::StopWrites => {
                let mut commands = at(&primary, &["rm -f /var/lib/wirecenter-primary"]);
                if self.kill_transactions {
                    commands.extend(at(&primary, &["KILL CONNECTION of each transaction that is open"]));
                }
                let lock = format!("SET SESSION lock_wait_timeout={STOP_WITHIN_S}");
                commands.extend(at(&primary, &[&lock, "SET GLOBAL read_only=ON"]));
                commands.extend(each_address(&primary, "del"));
                commands.extend(at(&primary, &["KILL CONNECTION of each client", "SELECT @@GLOBAL.gtid_binlog_pos"]));
                let undo = format!("{primary} takes writes again and gets {addresses} back.");
                (format!("Stop writes on {primary} and take {addresses} from it."), commands, Undo::By(undo), 1)
            }
            DatabaseStep::CatchUp => {
                let words = format!("Wait until {target} has applied everything {primary} had, at most {CATCH_UP_WITHIN_S} s.");
                let wait = format!("SELECT MASTER_GTID_WAIT(the position of {primary}, {CATCH_UP_WITHIN_S})");
                (words, at(&target, &[&wait]), reads(), 1)
            }
            DatabaseStep::ConfirmGone => {
                let words = format!("See once more that {primary} takes no writes, and that others say so too.");
                (words, vec![format!("{clients}: INSERT INTO wirecenter_watch.proof at {primary}")], reads(), 2)
            }
            DatabaseStep::Fence => {
                let words = format!(
                    "Make sure that nobody can write to {primary}: its hypervisor switches it off; where that does not answer it must make \
                     itself read-only."
                );
                let commands = vec![format!("hypervisor: switch {primary} off")];
                (words, commands, Undo::By(format!("{primary} is switched on again.")), 1)
            }
            DatabaseStep::ApplyRelay => {
                let words = format!("Let {target} stop receiving and apply everything it has received.");
                let commands = at(&target, &["STOP SLAVE IO_THREAD", "SELECT MASTER_GTID_WAIT(what it has received)"]);
                (words, commands, Undo::By(format!("{target} receives again.")), 1)
            }
            DatabaseStep::Promote => {
                let commands = at(
                    &target,
                    &[
                        "STOP SLAVE",
                        "RESET SLAVE ALL",
                        "SET GLOBAL rpl_semi_sync_master_enabled=ON",
                        "SET GLOBAL read_only=OFF",
                        "touch /var/lib/wirecenter-primary",
                    ],
                );
                let why =
                    format!("from here on {target} has writes that {primary} does not have; going back is another switchover");
                (format!("Let {target} take writes."), commands, forward(&why), 1)
            }
            DatabaseStep::MoveAddress => {
                let mut commands = each_address(&target, "replace");
                commands.extend(at(&target, &["arping -U, so that its neighbors learn the new card"]));
                let words = format!("Put {addresses} on {target}. {clients} write there from now on.");
                (words, commands, forward("clients are using it"), 1)
            }
            DatabaseStep::FollowNew => {
                let commands = roles.others.iter().flat_map(|other| follow(other, &target)).collect();
                let others = if roles.others.is_empty() { "There are no others.".into() } else { roles.others.join(", ") };
                (format!("Let the other replicas follow {target}: {others}"), commands, forward("the old primary is replaced"), 1)
            }
            DatabaseStep::DemoteOld => {
                let mut commands = at(&primary, &["SET GLOBAL gtid_slave_pos=@@GLOBAL.gtid_binlog_pos"]);
                commands.extend(follow(&primary, &target));
                (format!("Let {primary} follow {target}."), commands, forward("it has been replaced"), 1)
            }
            DatabaseStep::RecordLoss => {
                let words = format!("Write down what of the acknowledged may be lost with {primary}.");
                (words, vec![], reads(), 1)
            }
            DatabaseStep::Verify => {
                let words = "Let each client write a row at the writer's address, and read it back on every replica.".to_string();
                let commands = self
                    .clients
                    .iter()
                    .map(|client| format!("{}: INSERT INTO wirecenter_watch.proof as {}", client.machine, client.user))
                    .collect();
                (words, commands, forward("it is the proof of what was done"), 2)
            }
            DatabaseStep::SwitchOn => {
                let words = format!(
                    "Switch {target} on where it is off, and wait until MariaDB answers. It starts read-only, without {addresses}."
                );
                (
                    words,
                    vec![format!("hypervisor: switch {target} on")],
                    Undo::By(format!("{target} is switched off again if it was off.")),
                    10,
                )
            }
            DatabaseStep::SaveErrant => {
                let words = format!("Compare its log with that of {primary}, and write down what only {target} has.");
                let commands = at(&target, &["mariadb-binlog of what only it has > /var/lib/wirecenter-errant-….sql"]);
                (words, commands, Undo::NothingToUndo("It only adds a file.".into()), 2)
            }
            DatabaseStep::Reseed => {
                let words = format!("Make the data of {target} anew from {primary}. What only it had stays in the file.");
                let commands = at(&target, &["mariadb-dump --host=the primary --all-databases --gtid --master-data | mariadb"]);
                (words, commands, forward("its own data is replaced"), 30)
            }
            DatabaseStep::Follow => {
                let undo = format!("{target} follows nobody again and stays read-only.");
                (format!("Let {target} follow {primary}."), follow(&target, &primary), Undo::By(undo), 1)
            }
            DatabaseStep::VerifyFollows => {
                let words = format!("Wait until {target} has applied everything and see that it is read-only.");
                (words, at(&target, &["SHOW ALL SLAVES STATUS"]), reads(), 2)
            }
        };
        PlannedStep { name: step.name().into(), words, commands, undo, seconds_expected }
    }
}
