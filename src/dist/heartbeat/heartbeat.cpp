#include "dist/heartbeat/heartbeat.h"

#include "onecycle/error.h"

#include "core/process/blocked_signals.h"
#include "core/process/this_process.h"
#include "core/text/format.h"
#include "core/text/number.h"
#include "core/text/print.h"
#include "core/text/printable.h"
#include "dist/heartbeat/peers.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace onecycle {

namespace {

using Duration = HeartbeatOptions::Duration;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kDefaultTimeout{30};
constexpr double kLeastTimeout = 3;  // seconds
constexpr int kGoneAfter = 3;        // beats left out, once a collective failed
constexpr Duration kConnectTimeout{60000};
constexpr Duration kPollEvery{50};
constexpr Duration kMostToTell{10000};

void say_on_stderr(const std::string& line) { print(stderr, "onecycle: {}\n", visible(line)); }

}  // namespace

Duration rank_timeout() {
  const char* text = std::getenv("ONECYCLE_RANK_TIMEOUT");
  if (text == nullptr || *text == '\0') return kDefaultTimeout;
  const auto seconds = parse_number(text);
  if (!seconds || *seconds < kLeastTimeout || *seconds > 1e6)
    throw UsageError(
        format("the environment variable ONECYCLE_RANK_TIMEOUT is '{}', not a number of seconds of "
               "at least 1",
               text));
  return Duration(static_cast<std::int64_t>(*seconds * 1000));
}

// Two threads: one talks to the store, where it may be held up for as long as the network likes,
// the other keeps the time.
class Heartbeat::Watch {
 public:
  Watch(const RankPlace& place, HeartbeatOptions options);
  ~Watch();

  void at(std::int64_t step) { step_ = step; }
  bool give_up(const std::string& why, RankFailure::Kind kind);
  RankFailure await_failure(Duration patience);
  bool said() const;
  void finish();
  StatusBoard& board() { return board_; }

 private:
  RankStatus own_beat(RankStatus::State state);
  void talk();
  void round();
  void keep_time();
  RankFailure post(const RankFailure& failure);
  void take(const RankFailure& failure, bool say_now);
  RankFailure store_is_gone() const;
  bool speaks_without_store() const;
  void stop();
  void linger();

  const RankPlace place_;
  const HeartbeatOptions options_;
  const std::string host_;
  StatusBoard board_;
  std::atomic<std::int64_t> step_{0};
  std::atomic<std::int64_t> count_{0};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Peers peers_;
  Duration since_round_{0};
  std::optional<RankFailure> failure_;
  std::optional<Clock::time_point> end_at_;
  bool said_ = false;
  bool store_gone_ = false;
  bool finished_ = false;
  bool parted_ = false;  // the last word is said
  bool stop_talking_ = false;
  bool stop_watching_ = false;

  std::thread talker_;
  std::thread watcher_;
};

Heartbeat::Watch::Watch(const RankPlace& place, HeartbeatOptions options)
    : place_(place),
      options_(std::move(options)),
      host_(host_name()),
      board_(connect_store(place, kConnectTimeout), format("rank{}", place.rank), place.size),
      peers_(place.rank, place.size, 2 * options_.interval) {
  board_.tell(place_.rank, own_beat(RankStatus::State::at_work));
  const BlockedSignals blocked;  // signals are the main thread's
  talker_ = std::thread([this] { talk(); });
  watcher_ = std::thread([this] { keep_time(); });
}

Heartbeat::Watch::~Watch() {
  stop();
  linger();
}

RankStatus Heartbeat::Watch::own_beat(RankStatus::State state) {
  RankStatus beat;
  beat.count = ++count_;
  beat.state = state;
  beat.step = step_;
  beat.pid = ::getpid();
  beat.host = host_;
  return beat;
}

void Heartbeat::Watch::talk() {
  for (;;) {
    try {
      round();
    } catch (const std::exception&) {
      take(store_is_gone(), true);
      const std::lock_guard lock(mutex_);
      store_gone_ = true;
      return;
    }
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, options_.interval, [this] { return stop_talking_; })) return;
  }
}

void Heartbeat::Watch::round() {
  const auto failure = board_.failure();
  // Before it is told as heard: a rank that serves the store may then go.
  if (failure) take(*failure, false);
  board_.tell(place_.rank,
              own_beat(failure ? RankStatus::State::heard : RankStatus::State::at_work));
  const auto beats = board_.beats();
  const auto now = Clock::now();
  std::optional<RankFailure> missing;
  {
    const std::lock_guard lock(mutex_);
    since_round_ = Duration{0};
    peers_.look(beats, now);
    if (!failure && !finished_) {
      missing = peers_.silent_for(options_.timeout);
      if (!missing) missing = peers_.absent_for(options_.join_timeout);
    }
  }
  if (missing) take(board_.post(*missing), true);
}

// The failure as all ranks have it. `say_now`: this thread is the one to say it, if anyone is.
void Heartbeat::Watch::take(const RankFailure& failure, bool say_now) {
  bool say = false;
  {
    const std::lock_guard lock(mutex_);
    if (failure_ || finished_) return;
    failure_ = failure;
    end_at_ = Clock::now() + options_.grace;
    say = say_now && failure.own;
    said_ = say || !failure.own;
    changed_.notify_all();
  }
  if (say) options_.say(failure.text);
}

void Heartbeat::Watch::keep_time() {
  const Duration tick = std::min(options_.interval, options_.grace) / 4;
  AwakeClock clock(2 * tick);
  std::unique_lock lock(mutex_);
  while (!stop_watching_) {
    changed_.wait_for(lock, tick, [this] { return stop_watching_; });
    if (stop_watching_) return;
    const auto now = Clock::now();
    if (end_at_ && now >= *end_at_) {
      const bool say = !std::exchange(said_, true);
      const std::string text = failure_->text;
      lock.unlock();
      if (say) options_.say(text);
      options_.end(text);
      return;
    }
    since_round_ += clock.look(now);
    if (since_round_ < options_.timeout + 2 * options_.interval) continue;
    store_gone_ = true;
    if (finished_) {
      lock.unlock();
      options_.end(store_is_gone().text);
      return;
    }
    if (!failure_) {
      lock.unlock();
      take(store_is_gone(), true);
      lock.lock();
    }
  }
}

// Without the store the ranks cannot agree who says it: one on each machine does.
bool Heartbeat::Watch::speaks_without_store() const {
  const bool with_rank_0 = place_.rank == place_.local_rank;
  return place_.local_rank == (with_rank_0 && !place_.store_is_served ? 1 : 0);
}

RankFailure Heartbeat::Watch::store_is_gone() const {
  const std::lock_guard lock(mutex_);
  RankFailure failure;
  failure.own = speaks_without_store();
  const std::string where = format("{}:{}", place_.address, place_.port);
  const auto beat = peers_.beat_of(0);
  if (place_.store_is_served || !beat) {
    failure.text = format("the store at {}, which {} served, is gone or out of reach", where,
                          place_.store_is_served ? place_.launcher : "rank 0");
  } else {
    failure.rank = 0;
    failure.text =
        format("{} is gone or out of reach, and the store that it served at {}; it was at step {}",
               name_of(0, *beat), where, beat->step);
  }
  return failure;
}

RankFailure Heartbeat::Watch::post(const RankFailure& failure) {
  try {
    const RankFailure holding = board_.post(failure);
    take(holding, false);
    return holding;
  } catch (const std::exception&) {
    RankFailure gone = store_is_gone();
    take(gone, false);
    return gone;
  }
}

bool Heartbeat::Watch::give_up(const std::string& why, RankFailure::Kind kind) {
  RankFailure failure;
  failure.kind = kind;
  failure.rank = place_.rank;
  failure.text = format("rank {}: {}", place_.rank, why);
  return post(failure).own;
}

RankFailure Heartbeat::Watch::await_failure(Duration patience) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    std::optional<RankFailure> suspect;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kPollEvery, [this] { return failure_.has_value(); });
      if (failure_) return *failure_;
      suspect = peers_.silent_for(kGoneAfter * options_.interval);
      if (!suspect && Clock::now() >= deadline) suspect = peers_.slowest();
    }
    if (suspect) return post(*suspect);
  }
}

bool Heartbeat::Watch::said() const {
  const std::lock_guard lock(mutex_);
  return said_;
}

void Heartbeat::Watch::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    end_at_.reset();
  }
  stop();
  linger();
}

void Heartbeat::Watch::stop() {
  if (talker_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stop_talking_ = true;
      changed_.notify_all();
    }
    talker_.join();
  }
  if (!watcher_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_watching_ = true;
    changed_.notify_all();
  }
  watcher_.join();
}

// The last word of this rank. The one that serves the store keeps it for the others until they
// have read how it ends.
void Heartbeat::Watch::linger() {
  if (store_gone_ || (!finished_ && !failure_) || std::exchange(parted_, true)) return;
  const bool serves = place_.rank == 0 && !place_.store_is_served;
  const auto deadline = Clock::now() + kMostToTell;
  try {
    board_.tell(place_.rank,
                own_beat(finished_ ? RankStatus::State::done : RankStatus::State::heard));
    while (serves && Clock::now() < deadline) {
      peers_.look(board_.beats(), Clock::now());
      if (peers_.all_told(kGoneAfter * options_.interval)) return;
      std::this_thread::sleep_for(kPollEvery);
    }
  } catch (const std::exception&) {  // the store is gone: nobody is left to be told
  }
}

Heartbeat::Heartbeat(const RankPlace& place, HeartbeatOptions options) {
  if (!options.say) options.say = say_on_stderr;
  if (!options.end) options.end = [](const std::string&) { ::_exit(1); };
  watch_ = std::make_unique<Watch>(place, std::move(options));
}

Heartbeat::~Heartbeat() = default;

void Heartbeat::at(std::int64_t step) { watch_->at(step); }

bool Heartbeat::give_up(const std::string& why, RankFailure::Kind kind) {
  return watch_->give_up(why, kind);
}

RankFailure Heartbeat::await_failure(std::chrono::milliseconds patience) {
  return watch_->await_failure(patience);
}

std::string Heartbeat::explain(std::chrono::seconds patience) {
  const RankFailure failure = watch_->await_failure(patience);
  return watch_->said() ? std::string() : failure.text;
}

void Heartbeat::finish() { watch_->finish(); }

void Heartbeat::announce_folder(const std::string& folder) {
  watch_->board().announce_folder(folder);
}

}  // namespace onecycle
