#include "dist/pulse.h"

#include "onecycle/error.h"

#include "core/blocked_signals.h"
#include "core/format.h"
#include "core/number.h"
#include "core/print.h"
#include "core/printable.h"
#include "dist/pulse_peers.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace onecycle {

namespace {

using Duration = PulseOptions::Duration;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kDefaultTimeout{30};
constexpr double kLeastTimeout = 3;  // seconds
constexpr int kGoneAfter = 3;        // beats left out, once a collective failed
constexpr Duration kConnectTimeout{60000};
constexpr Duration kPollPulse{50};
constexpr Duration kMostToTell{10000};

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

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
class Pulse::Watch {
 public:
  Watch(const RankPlace& place, PulseOptions options);
  ~Watch();

  void at(std::int64_t step) { step_ = step; }
  bool give_up(const std::string& why, RankVerdict::Kind kind);
  RankVerdict await_verdict(Duration patience);
  bool said() const;
  void finish();
  Board& board() { return board_; }

 private:
  Beat own_beat(Beat::State state);
  void talk();
  void round();
  void keep_time();
  RankVerdict post(const RankVerdict& verdict);
  void take(const RankVerdict& verdict, bool say_now);
  RankVerdict store_is_gone() const;
  bool speaks_without_store() const;
  void stop();
  void linger();

  const RankPlace place_;
  const PulseOptions options_;
  const std::string host_;
  Board board_;
  std::atomic<std::int64_t> step_{0};
  std::atomic<std::int64_t> count_{0};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Peers peers_;
  Duration since_round_{0};
  std::optional<RankVerdict> verdict_;
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

Pulse::Watch::Watch(const RankPlace& place, PulseOptions options)
    : place_(place),
      options_(std::move(options)),
      host_(host_name()),
      board_(connect_store(place, kConnectTimeout), format("rank{}", place.rank), place.size),
      peers_(place.rank, place.size, 2 * options_.interval) {
  board_.tell(place_.rank, own_beat(Beat::State::at_work));
  const BlockedSignals blocked;  // signals are the main thread's
  talker_ = std::thread([this] { talk(); });
  watcher_ = std::thread([this] { keep_time(); });
}

Pulse::Watch::~Watch() {
  stop();
  linger();
}

Beat Pulse::Watch::own_beat(Beat::State state) {
  Beat beat;
  beat.count = ++count_;
  beat.state = state;
  beat.step = step_;
  beat.pid = ::getpid();
  beat.host = host_;
  return beat;
}

void Pulse::Watch::talk() {
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

void Pulse::Watch::round() {
  const auto verdict = board_.verdict();
  // Before it is told as heard: a rank that serves the store may then go.
  if (verdict) take(*verdict, false);
  board_.tell(place_.rank, own_beat(verdict ? Beat::State::heard : Beat::State::at_work));
  const auto beats = board_.beats();
  const auto now = Clock::now();
  std::optional<RankVerdict> missing;
  {
    const std::lock_guard lock(mutex_);
    since_round_ = Duration{0};
    peers_.look(beats, now);
    if (!verdict && !finished_) {
      missing = peers_.silent_for(options_.timeout);
      if (!missing) missing = peers_.absent_for(options_.join_timeout);
    }
  }
  if (missing) take(board_.post(*missing), true);
}

// The verdict as all ranks have it. `say_now`: this thread is the one to say it, if anyone is.
void Pulse::Watch::take(const RankVerdict& verdict, bool say_now) {
  bool say = false;
  {
    const std::lock_guard lock(mutex_);
    if (verdict_ || finished_) return;
    verdict_ = verdict;
    end_at_ = Clock::now() + options_.grace;
    say = say_now && verdict.own;
    said_ = say || !verdict.own;
    changed_.notify_all();
  }
  if (say) options_.say(verdict.text);
}

void Pulse::Watch::keep_time() {
  const Duration tick = std::min(options_.interval, options_.grace) / 4;
  AwakeClock clock(2 * tick);
  std::unique_lock lock(mutex_);
  while (!stop_watching_) {
    changed_.wait_for(lock, tick, [this] { return stop_watching_; });
    if (stop_watching_) return;
    const auto now = Clock::now();
    if (end_at_ && now >= *end_at_) {
      const bool say = !std::exchange(said_, true);
      const std::string text = verdict_->text;
      lock.unlock();
      if (say) options_.say(text);
      options_.end();
      return;
    }
    since_round_ += clock.look(now);
    if (since_round_ < options_.timeout + 2 * options_.interval) continue;
    store_gone_ = true;
    if (finished_) {
      lock.unlock();
      options_.end();
      return;
    }
    if (!verdict_) {
      lock.unlock();
      take(store_is_gone(), true);
      lock.lock();
    }
  }
}

// Without the store the ranks cannot agree who says it: one on each machine does.
bool Pulse::Watch::speaks_without_store() const {
  const bool with_rank_0 = place_.rank == place_.local_rank;
  return place_.local_rank == (with_rank_0 && !place_.store_is_served ? 1 : 0);
}

RankVerdict Pulse::Watch::store_is_gone() const {
  const std::lock_guard lock(mutex_);
  RankVerdict verdict;
  verdict.own = speaks_without_store();
  const std::string where = format("{}:{}", place_.address, place_.port);
  const auto beat = peers_.beat_of(0);
  if (place_.store_is_served || !beat) {
    verdict.text = format("the store at {}, which {} served, is gone or out of reach", where,
                          place_.store_is_served ? place_.launcher : "rank 0");
  } else {
    verdict.rank = 0;
    verdict.text =
        format("{} is gone or out of reach, and the store that it served at {}; it was at step {}",
               name_of(0, *beat), where, beat->step);
  }
  return verdict;
}

RankVerdict Pulse::Watch::post(const RankVerdict& verdict) {
  try {
    const RankVerdict holding = board_.post(verdict);
    take(holding, false);
    return holding;
  } catch (const std::exception&) {
    RankVerdict gone = store_is_gone();
    take(gone, false);
    return gone;
  }
}

bool Pulse::Watch::give_up(const std::string& why, RankVerdict::Kind kind) {
  RankVerdict verdict;
  verdict.kind = kind;
  verdict.rank = place_.rank;
  verdict.text = format("rank {}: {}", place_.rank, why);
  return post(verdict).own;
}

RankVerdict Pulse::Watch::await_verdict(Duration patience) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    std::optional<RankVerdict> suspect;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kPollPulse, [this] { return verdict_.has_value(); });
      if (verdict_) return *verdict_;
      suspect = peers_.silent_for(kGoneAfter * options_.interval);
      if (!suspect && Clock::now() >= deadline) suspect = peers_.slowest();
    }
    if (suspect) return post(*suspect);
  }
}

bool Pulse::Watch::said() const {
  const std::lock_guard lock(mutex_);
  return said_;
}

void Pulse::Watch::finish() {
  {
    const std::lock_guard lock(mutex_);
    finished_ = true;
    end_at_.reset();
  }
  stop();
  linger();
}

void Pulse::Watch::stop() {
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
void Pulse::Watch::linger() {
  if (store_gone_ || (!finished_ && !verdict_) || std::exchange(parted_, true)) return;
  const bool serves = place_.rank == 0 && !place_.store_is_served;
  const auto deadline = Clock::now() + kMostToTell;
  try {
    board_.tell(place_.rank, own_beat(finished_ ? Beat::State::done : Beat::State::heard));
    while (serves && Clock::now() < deadline) {
      peers_.look(board_.beats(), Clock::now());
      if (peers_.all_told(kGoneAfter * options_.interval)) return;
      std::this_thread::sleep_for(kPollPulse);
    }
  } catch (const std::exception&) {  // the store is gone: nobody is left to be told
  }
}

Pulse::Pulse(const RankPlace& place, PulseOptions options) {
  if (!options.say) options.say = say_on_stderr;
  if (!options.end) options.end = [] { ::_exit(1); };
  watch_ = std::make_unique<Watch>(place, std::move(options));
}

Pulse::~Pulse() = default;

void Pulse::at(std::int64_t step) { watch_->at(step); }

bool Pulse::give_up(const std::string& why, RankVerdict::Kind kind) {
  return watch_->give_up(why, kind);
}

RankVerdict Pulse::await_verdict(std::chrono::milliseconds patience) {
  return watch_->await_verdict(patience);
}

std::string Pulse::explain(std::chrono::seconds patience) {
  const RankVerdict verdict = watch_->await_verdict(patience);
  return watch_->said() ? std::string() : verdict.text;
}

void Pulse::finish() { watch_->finish(); }

void Pulse::announce_folder(const std::string& folder) { watch_->board().announce_folder(folder); }

}  // namespace onecycle
