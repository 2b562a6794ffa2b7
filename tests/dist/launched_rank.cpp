// A program that plays ranks: `launched_rank RANKS RESTARTS -- what each rank does`, one word a
// rank and the last word for the rest of them.

#include "onecycle/error.h"

#include "dist/group/store.h"
#include "dist/heartbeat/heartbeat.h"
#include "dist/heartbeat/status_board.h"
#include "dist/launch/launcher.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace onecycle::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kPatience{60};  // with what comes in a second or two

volatile std::sig_atomic_t signals_seen = 0;
volatile std::sig_atomic_t last_signal = 0;

void note_signal(int number) {
  signals_seen = signals_seen + 1;
  last_signal = number;
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "-" : value;
}

[[noreturn]] void wait_for_the_end() {
  for (;;) std::this_thread::sleep_for(1h);
}

// Until all ranks have come, know one another's steps and go on, as far as they are not done.
void await_all_at_work(const Store& store, const RankPlace& place, std::int64_t step) {
  StatusBoard board(store, "watch", place.size);
  std::vector<std::int64_t> first(static_cast<std::size_t>(place.size), 0);
  for (bool all = false; !all; std::this_thread::sleep_for(20ms)) {
    const auto beats = board.beats();
    const auto& own = beats[static_cast<std::size_t>(place.rank)];
    all = own && own->step == step;
    if (!all) continue;
    for (std::size_t rank = 0; rank < beats.size(); ++rank) {
      if (!beats[rank]) {
        all = false;
        continue;
      }
      if (first[rank] == 0) first[rank] = beats[rank]->count;
      // Two signs of life later it has looked at those of the others in between.
      all = all && (beats[rank]->state != RankStatus::State::at_work ||
                    beats[rank]->count >= first[rank] + 2);
    }
  }
}

// As a rank whose collective failed.
int fail_for_another(Heartbeat& heartbeat) {
  const std::string line = heartbeat.explain(kPatience);
  if (!line.empty()) std::fprintf(stderr, "onecycle: %s\n", line.c_str());
  return 1;
}

int obey(const std::string& word, const RankPlace& place) {
  const auto number_after = [&](const char* verb) { return std::atoi(&word[std::strlen(verb)]); };
  if (word.starts_with("exit=")) return number_after("exit=");
  if (word.starts_with("say-exit=")) {
    std::fprintf(stderr, "onecycle: no such file\n");
    return number_after("say-exit=");
  }
  if (word == "echo") {
    std::string line;
    for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
                             "ONECYCLE_ATTEMPT", "OMP_NUM_THREADS", "ONECYCLE_RESUME"})
      line += std::string(name) + "=" + variable(name) + " ";
    say(line);
    return 0;
  }
  if (word == "pid") {
    say("pid " + std::to_string(::getpid()));
    wait_for_the_end();
  }
  if (word == "partial") {
    std::printf("one\ntwo\nthr");
    return 0;
  }
  if (word == "count-signals") {
    for (const int number : {SIGINT, SIGTERM, SIGUSR1}) std::signal(number, note_signal);
    say("ready");
    const auto tell = [&](const char* when) {
      say("rank " + std::to_string(place.rank) + " saw " + std::to_string(signals_seen) + when);
    };
    for (int told = 0; last_signal != SIGTERM && last_signal != SIGINT;) {
      std::this_thread::sleep_for(10ms);
      const int seen = signals_seen;
      if (std::exchange(told, seen) != seen) tell("");
    }
    std::this_thread::sleep_for(300ms);  // one that comes twice
    tell(" in all");
    const Store store = open_store(place, kPatience);
    Heartbeat heartbeat(place);
    heartbeat.finish();
    return 128 + last_signal;
  }

  if (word == "forge") {  // as any program on the machine that knows the port could
    RankPlace stranger = place;
    stranger.secret.clear();
    connect_store(stranger, kPatience)->set("verdict", "rank0 1 1000000 by a stranger");
    return 1;
  }

  const Store store = open_store(place, kPatience);
  if (word.starts_with("all-exit=")) {  // once all have come: none of them ends long before another
    const auto key = [](std::int64_t rank) { return "came/" + std::to_string(rank); };
    store->set(key(place.rank), "yes");
    for (std::int64_t rank = 0; rank < place.size; ++rank) (void)store->get_to_str(key(rank));
    std::fprintf(stderr, "onecycle: no such file\n");
    return number_after("all-exit=");
  }
  Heartbeat heartbeat(place);
  heartbeat.at(120);
  if (word == "finish") {
    heartbeat.finish();
    return 0;
  }
  if (word == "diverge") {
    std::this_thread::sleep_for(place.rank * 1s);
    heartbeat.finish();
    return 3;
  }
  if (word == "beat") say("pid " + std::to_string(::getpid()));
  if (word == "blocked" || word == "beat") wait_for_the_end();
  if (word == "peer") {
    std::this_thread::sleep_for(1500ms);
    return fail_for_another(heartbeat);
  }
  if (word == "give-up") {
    heartbeat.give_up("out of memory");
    std::fprintf(stderr, "onecycle: out of memory\n");
    return 1;
  }
  if (word.starts_with("peer-until=")) {
    if (place.attempt < number_after("peer-until=")) return fail_for_another(heartbeat);
    heartbeat.finish();
    return 0;
  }
  await_all_at_work(store, place, 120);
  if (word == "stop") ::raise(SIGSTOP);
  if (word == "killed") ::raise(SIGKILL);
  if (word.starts_with("killed-until=")) {
    if (place.rank == 0) heartbeat.announce_folder("runs/long/1");
    if (place.attempt < number_after("killed-until=")) ::raise(SIGKILL);
    say("attempt " + variable("ONECYCLE_ATTEMPT") + " resumes " + variable("ONECYCLE_RESUME"));
    heartbeat.finish();
    return 0;
  }
  return 99;
}

int run(int argc, char** argv) {
  live_with_launcher();
  hush_c10d();
  if (const auto place = place_in_environment()) {
    const int index = static_cast<int>(place->rank) + 1;
    return obey(argv[index < argc ? index : argc - 1], *place);
  }
  LaunchOptions options;
  options.ranks = std::atoi(argv[1]);
  options.max_restarts = std::atoi(argv[2]);
  for (int i = 4; i < argc; ++i) options.arguments.emplace_back(argv[i]);
  return launch(options);
}

}  // namespace
}  // namespace onecycle::testing

int main(int argc, char** argv) {
  try {
    return onecycle::testing::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "onecycle: %s\n", error.what());
    return 1;
  }
}
