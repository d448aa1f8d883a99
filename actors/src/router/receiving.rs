//! What the Router is told, one kind after the other. A panic over any of it is [contained](Router::contain).

use super::changes::{Announce, ChangeImports, Depart, ShadowsSettled, Work};
use super::hot_subjects::{ListHotSubjects, SubjectTraffic};
use super::salvage::Salvaged;
use super::watchers::{BatchTaken, EndWatch, FallenBehind, WatchInterest};
use super::{GoOn, ListQueueGroups, Router, RouterState};
use crate::mailbox::Observe;
use crate::queue_group::{GroupFailed, GroupMembers, MembersChanged, QueueGroup};
use crate::subject::{Cooled, Subject};
use actix::prelude::*;

impl Handler<GoOn> for Router {
    type Result = ();

    fn handle(&mut self, _: GoOn, _: &mut Context<Self>) {
        self.resting = false;
        self.told = false;
    }
}

impl Handler<Announce> for Router {
    type Result = ();

    fn handle(&mut self, announce: Announce, context: &mut Context<Self>) {
        debug_assert_eq!(announce.account, self.account.id());
        self.contain(context, |it, _| {
            it.schedule(announce.changes, announce.announcer);
        });
    }
}

impl Handler<ShadowsSettled> for Router {
    type Result = ();

    fn handle(&mut self, settled: ShadowsSettled, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.settling.answered(settled.ticket));
    }
}

impl Handler<ChangeImports> for Router {
    type Result = ();

    fn handle(&mut self, change: ChangeImports, context: &mut Context<Self>) {
        self.contain(context, |it, context| {
            it.change_imports(change, &context.address());
        });
    }
}

impl Handler<Depart> for Router {
    type Result = ();

    fn handle(&mut self, depart: Depart, context: &mut Context<Self>) {
        self.contain(context, |it, _| {
            let ticket = it.settling.open(None, true);
            it.schedule.push(Work::departing(depart, ticket));
        });
    }
}

impl Handler<Salvaged> for Router {
    type Result = ();

    fn handle(&mut self, salvaged: Salvaged, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.take_back(salvaged));
    }
}

impl Handler<WatchInterest> for Router {
    type Result = ();

    fn handle(&mut self, watch: WatchInterest, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.watchers.add(watch));
    }
}

impl Handler<EndWatch> for Router {
    type Result = ();

    fn handle(&mut self, end: EndWatch, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.watchers.end(&end));
    }
}

impl Handler<BatchTaken> for Router {
    type Result = ();

    fn handle(&mut self, taken: BatchTaken, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.watchers.taken(taken));
    }
}

impl Handler<FallenBehind> for Router {
    type Result = ();

    fn handle(&mut self, behind: FallenBehind, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.watchers.fallen_behind(behind));
    }
}

impl Handler<MembersChanged> for Router {
    type Result = ();

    fn handle(&mut self, changed: MembersChanged, context: &mut Context<Self>) {
        let MembersChanged {
            name,
            number,
            members,
        } = changed;
        self.contain(context, |it, _| {
            if it.groups.is_known(&name, number) {
                // First what publishers go by, then the connections that wait for it.
                it.publish_group(&name, &members);
                it.groups.answered(&name, members, &mut it.settling);
            }
        });
    }
}

impl Handler<GroupFailed> for Router {
    type Result = ();

    fn handle(&mut self, failed: GroupFailed, context: &mut Context<Self>) {
        self.contain(context, |it, context| {
            if it.groups.failed(&failed, &mut it.settling, &context.address()) {
                it.publish_group(&failed.name, &GroupMembers::from([]));
            }
        });
    }
}

impl Handler<SubjectTraffic> for Router {
    type Result = ();

    fn handle(&mut self, traffic: SubjectTraffic, context: &mut Context<Self>) {
        self.contain(context, |it, context| {
            it.hot_subjects.report(traffic, &context.address());
        });
    }
}

impl Handler<Cooled> for Router {
    type Result = ();

    fn handle(&mut self, cooled: Cooled, context: &mut Context<Self>) {
        self.contain(context, |it, _| it.hot_subjects.cooled(&cooled));
    }
}

impl Handler<ListHotSubjects> for Router {
    type Result = Vec<Addr<Subject>>;

    fn handle(&mut self, _: ListHotSubjects, _: &mut Context<Self>) -> Self::Result {
        self.hot_subjects.addresses()
    }
}

impl Handler<ListQueueGroups> for Router {
    type Result = Vec<Addr<QueueGroup>>;

    fn handle(&mut self, _: ListQueueGroups, _: &mut Context<Self>) -> Self::Result {
        self.groups.addresses()
    }
}

impl Handler<Observe<RouterState>> for Router {
    type Result = MessageResult<Observe<RouterState>>;

    fn handle(&mut self, _: Observe<RouterState>, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.state())
    }
}
