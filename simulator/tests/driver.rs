//! The driver, over a transport that answers from memory.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pns_engine::{
    Answer, Command, EventType, EventTypeSet, FailureReason, Happened, NotificationId, Outcome, Subscription,
    SubscriptionId, SupplierId, Timestamp, Transmit, WindowId,
};
use pns_simulator::clock::{Clock, Gear, Stopwatch};
use pns_simulator::driver::{Bodies, Driver, Observation, Route, Turn};
use pns_simulator::endpoint::Endpoint;
use pns_simulator::fault::{Extent, Fault, Injection};
use pns_simulator::transport::{Exchange, Request, ScriptedTransport, Transport};

const EPOCH: Timestamp = Timestamp::from_millis(1_764_000_000_000);
const ONE: SubscriptionId = SubscriptionId(0);
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// Bodies that say which notification they are.
struct Numbered;

impl Bodies for Numbered {
    fn body(&mut self, attempt: &Transmit, _stamp: Timestamp) -> Bytes {
        Bytes::from(attempt.notification.to_string())
    }
}

fn driver<T: Transport>(gear: Gear, transport: T) -> Driver<T, Numbered> {
    let mut driver = Driver::new(7, Clock::start(gear, Some(EPOCH)), transport, Numbered);
    let endpoint = Endpoint::parse("https://127.0.0.1:8443/pns").unwrap();
    let route = Route {
        endpoint: Arc::new(endpoint),
        api_key: None,
        headers: Arc::default(),
        connect_timeout: None,
        ack_timeout: Some(ACK_TIMEOUT),
    };
    driver.route(ONE, route);
    let subscription = Subscription { events: EventTypeSet::ALL, ..Subscription::default() };
    driver.command(Command::AddSubscription { id: ONE, subscription: Box::new(subscription) }).unwrap();
    driver
}

fn publish<T: Transport>(driver: &mut Driver<T, Numbered>, number: u64) {
    let command = Command::Publish {
        id: NotificationId(number),
        event_type: EventType::RfpSend,
        supplier: Some(SupplierId(1)),
    };
    driver.command(command).unwrap();
}

/// Runs for `span` of PNS time; gives the offset and text of every record.
async fn run(driver: &mut Driver<ScriptedTransport, Numbered>, span: Duration) -> Vec<(Duration, Happened)> {
    let horizon = driver.now() + span;
    while driver.turn(horizon).await != Turn::Horizon {}
    let mut records = Vec::new();
    while let Some(observation) = driver.poll_observation() {
        if let Observation::Record(record) = observation {
            records.push((record.at.since(EPOCH), record.event));
        }
    }
    records
}

fn starts(records: &[(Duration, Happened)]) -> Vec<u64> {
    let started = records.iter().filter(|(_, event)| matches!(event, Happened::AttemptStarted { .. }));
    started.map(|(offset, _)| offset.as_secs()).collect()
}

const REFUSED: Answer = Answer::NoResponse(FailureReason::Refused);

#[tokio::test]
async fn three_days_of_retries_cost_no_real_time() {
    let watch = Stopwatch::start();
    let mut driver = driver(Gear::Virtual, ScriptedTransport::new(|_, _| REFUSED));
    publish(&mut driver, 1);
    let records = run(&mut driver, Duration::from_secs(3 * 86_400)).await;
    assert_eq!(starts(&records)[..5], [0, 30, 90, 210, 450]);
    assert_eq!(driver.now(), EPOCH + Duration::from_secs(3 * 86_400), "time stops at the horizon");
    // A bound that only real waiting could exceed: the shortest delay alone is half of it.
    assert!(watch.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn a_wait_that_ended_an_attempt_costs_its_length_of_pns_time() {
    let silent = Answer::NoResponse(FailureReason::AcknowledgementTimeout);
    let mut driver = driver(Gear::Virtual, ScriptedTransport::with_answers([silent]));
    publish(&mut driver, 1);
    let records = run(&mut driver, Duration::from_secs(3_600)).await;
    assert_eq!(starts(&records), [0, 40], "10 s of waiting, then the first interval of 30 s");
}

#[tokio::test]
async fn what_falls_due_while_another_attempt_waits_is_not_late() {
    let mut driver =
        driver(Gear::Virtual, ScriptedTransport::new(|_, _| Answer::Status { code: 200, retry_after: None }));
    let ack_lost = Fault {
        injection: Injection::AckLost,
        extent: Extent::Attempts(1),
        subscription: None,
        notifications: None,
    };
    driver.faults().plan(ack_lost);
    publish(&mut driver, 1);
    // A window closes while the first attempt still waits for its lost acknowledgement.
    let records = run(&mut driver, Duration::from_secs(1)).await;
    assert_eq!(starts(&records), [0]);
    let window = Command::AnnounceWindow {
        id: WindowId(1),
        subscription: ONE,
        from: driver.now(),
        until: driver.now() + Duration::from_secs(4),
    };
    driver.command(window).unwrap();
    publish(&mut driver, 2);
    let records = run(&mut driver, Duration::from_secs(3_600)).await;
    assert_eq!(starts(&records), [5, 40]);
}

#[tokio::test]
async fn equal_seeds_give_equal_records_whatever_the_order_of_answers() {
    let play = async || {
        let answer = |index: usize, _: &_| {
            if index.is_multiple_of(3) { REFUSED } else { Answer::Status { code: 200, retry_after: None } }
        };
        let mut driver = driver(Gear::Virtual, ScriptedTransport::new(answer));
        for number in 1..=50 {
            publish(&mut driver, number);
        }
        run(&mut driver, Duration::from_secs(86_400)).await
    };
    assert_eq!(play().await, play().await);
}

#[tokio::test]
async fn scaled_time_runs_as_fast_as_it_says() {
    let watch = Stopwatch::start();
    let gear = Gear::Scaled(NonZeroU32::new(1_000).unwrap());
    let mut driver = driver(gear, ScriptedTransport::with_answers([REFUSED]));
    publish(&mut driver, 1);
    let records = run(&mut driver, Duration::from_secs(60)).await;
    let delivered =
        records.iter().any(|(_, event)| matches!(event, Happened::AttemptAcknowledged { number: 2, .. }));
    assert!(delivered, "{records:?}");
    assert!(watch.elapsed() >= Duration::from_millis(60), "60 s at a thousandfold are 60 ms");
}

#[tokio::test]
async fn every_exchange_is_observed_before_its_outcome() {
    let mut driver = driver(Gear::Virtual, ScriptedTransport::with_answers([REFUSED]));
    publish(&mut driver, 1);
    let horizon = driver.now() + Duration::from_secs(60);
    while driver.turn(horizon).await != Turn::Horizon {}
    let mut outcomes = Vec::new();
    let mut seen = None;
    while let Some(observation) = driver.poll_observation() {
        match observation {
            Observation::Exchange { outcome, .. } => seen = Some(outcome),
            Observation::Start { .. } => panic!("nothing is held"),
            Observation::Record(record) => match record.event {
                Happened::AttemptFailed { reason, .. } => {
                    assert_eq!(seen.take(), Some(Outcome::Failed(reason)));
                    outcomes.push("failed");
                }
                Happened::AttemptAcknowledged { status, .. } => {
                    assert_eq!(seen.take(), Some(Outcome::Acknowledged(status)));
                    outcomes.push("acknowledged");
                }
                _ => {}
            },
        }
    }
    assert_eq!(outcomes, ["failed", "acknowledged"]);
}

#[tokio::test]
async fn held_starts_are_observed_first_and_made_when_they_are_released() {
    let transport = ScriptedTransport::with_answers([]);
    let mut driver = driver(Gear::Virtual, transport.clone());
    driver.hold_starts();
    while driver.poll_observation().is_some() {}
    publish(&mut driver, 1);
    publish(&mut driver, 2);
    let horizon = driver.now() + Duration::from_secs(1);
    assert_eq!(driver.turn(horizon).await, Turn::Progress);
    while driver.poll_observation().is_some() {}
    assert_eq!(driver.turn(horizon).await, Turn::Held);
    assert_eq!((driver.held_count(), driver.in_flight(), transport.requests().len()), (2, 2, 0));
    driver.release(1);
    assert_eq!(driver.turn(horizon).await, Turn::Held, "the other one is held, and its answer comes with it");
    assert_eq!(transport.requests().len(), 1);
    driver.release(driver.held_count());
    assert_eq!(driver.turn(horizon).await, Turn::Progress);
    while driver.poll_observation().is_some() {}
    assert_eq!(driver.turn(horizon).await, Turn::Horizon);
    assert_eq!((transport.requests().len(), driver.sender().pending()), (2, 0));
}

/// A transport that answers when it is told to.
#[derive(Clone)]
struct OnDemand(Arc<tokio::sync::Semaphore>);

impl Transport for OnDemand {
    async fn attempt(&self, request: Request) -> Exchange {
        self.0.acquire().await.unwrap().forget();
        ScriptedTransport::with_answers([]).attempt(request).await
    }
}

#[tokio::test]
async fn a_turn_that_is_dropped_loses_nothing() {
    let answers = Arc::new(tokio::sync::Semaphore::new(0));
    let mut driver = driver(Gear::Virtual, OnDemand(Arc::clone(&answers)));
    for number in 1..=3 {
        publish(&mut driver, number);
    }
    let horizon = driver.now() + Duration::from_secs(1);
    for _ in 0..3 {
        assert!(poll_once(driver.turn(horizon)).await.is_none(), "not all are answered");
        answers.add_permits(1);
        tokio::task::yield_now().await;
    }
    while driver.turn(horizon).await != Turn::Horizon {}
    let mut acknowledged = Vec::new();
    while let Some(observation) = driver.poll_observation() {
        if let Observation::Record(record) = observation
            && let Happened::AttemptAcknowledged { delivery, .. } = record.event
        {
            acknowledged.push(delivery.0);
        }
    }
    assert_eq!(acknowledged, [1, 2, 3], "in the order of deliveries, whichever answer came first");
}

/// Polls `future` once and drops it.
async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn what_is_due_stays_due_when_starts_are_stopped() {
    let transport = ScriptedTransport::with_answers([]);
    let mut driver = driver(Gear::Virtual, transport.clone());
    driver.stop_starts();
    publish(&mut driver, 1);
    while driver.poll_observation().is_some() {}
    let horizon = driver.now() + Duration::from_secs(1);
    assert_eq!(driver.turn(horizon).await, Turn::Horizon);
    assert_eq!((transport.requests().len(), driver.sender().pending()), (0, 1));
}

#[tokio::test]
async fn after_a_restart_what_was_in_flight_is_sent_again_and_all_else_goes_on() {
    let transport = ScriptedTransport::with_answers([REFUSED]);
    let mut driver = driver(Gear::Virtual, transport.clone());
    publish(&mut driver, 1);
    run(&mut driver, Duration::from_secs(10)).await;
    let ack_lost = Fault {
        injection: Injection::AckLost,
        extent: Extent::Attempts(1),
        subscription: None,
        notifications: None,
    };
    driver.faults().plan(ack_lost);
    publish(&mut driver, 2);
    run(&mut driver, Duration::from_secs(5)).await;
    driver.restart(Duration::from_secs(60)).await;
    let records = run(&mut driver, Duration::from_secs(3_600)).await;
    let stopped = records.iter().find_map(|(offset, event)| match event {
        Happened::AttemptFailed { reason: FailureReason::SenderStopped, number, .. } => {
            Some((*offset, *number))
        }
        _ => None,
    });
    assert_eq!(stopped, Some((Duration::from_secs(75), 1)));
    assert_eq!(starts(&records), [75, 105], "what fell due meanwhile, then what was in flight");
    let bodies: Vec<_> = transport.requests().iter().map(|request| request.body.clone()).collect();
    assert_eq!(bodies, ["n1", "n2", "n1", "n2"]);
}
