#include "dist/launch/launch_attempt.h"

#include "core/text/format.h"
#include "core/text/print.h"
#include "core/text/printable.h"

#include <algorithm>
#include <cstring>
#include <poll.h>
#include <unistd.h>

namespace onecycle {

namespace {

constexpr std::chrono::seconds kPatience{5};  // from the loss of a rank to the end of the others
constexpr int kTickMs = 500;

// "rank 1 was killed by signal 9 (Killed); it was at step 120"
std::string end_of(const RankProcess& process, const std::optional<RankStatus>& beat) {
  std::string text =
      process.killed_by() != 0
          ? format("rank {} was killed by signal {} ({})", process.rank(), process.killed_by(),
                   ::strsignal(process.killed_by()))
          : format("rank {} ended with exit code {}", process.rank(), process.exit_code());
  if (beat) text += format("; it was at step {}", beat->step);
  return text;
}

}  // namespace

std::vector<int> LaunchAttempt::signals() {
  std::vector<int> taken = {SIGINT, SIGTERM, SIGUSR1, SIGTSTP, SIGCHLD};
  if (!is_ignored(SIGHUP)) taken.push_back(SIGHUP);  // nohup
  return taken;
}

void LaunchAttempt::start(const std::vector<std::string>& environment) {
  for (std::int64_t rank = 0; rank < options_.ranks; ++rank) {
    std::vector<std::string> own = environment;
    own.push_back(format("RANK={}", rank));
    own.push_back(format("LOCAL_RANK={}", rank));
    processes_.push_back(std::make_unique<RankProcess>(rank, options_.arguments, own));
    if (options_.verbose)
      print(stderr, "onecycle: rank {} is process {}\n", rank, processes_.back()->pid());
  }
}

LaunchAttempt::End LaunchAttempt::run() {
  while (any_running()) {
    wait_for_news();
    pass_signals_on();
    collect();
    if (kill_at_ && Clock::now() >= *kill_at_)
      for (const auto& process : processes_) process->signal(SIGKILL);
  }
  return judge();
}

bool LaunchAttempt::any_running() const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [](const auto& process) { return process->running(); });
}

void LaunchAttempt::wait_for_news() {
  std::vector<pollfd> sources{{signals_.descriptor(), POLLIN, 0}};
  for (const auto& process : processes_)
    sources.push_back({process->lines().descriptor(), POLLIN, 0});
  ::poll(sources.data(), sources.size(), kTickMs);
  const auto hold = [this] {
    const auto failure = board_.failure();
    return !failure || failure->own;
  };
  for (const auto& process : processes_) process->lines().read(hold);
}

void LaunchAttempt::pass_signals_on() {
  while (const int number = signals_.next()) {
    if (number == SIGCHLD) continue;
    if (number == SIGTSTP) {
      pause();
      continue;
    }
    if (number != SIGUSR1 && interrupted_by_ == 0) interrupted_by_ = number;
    for (const auto& process : processes_) process->signal(number);
  }
}

// Ctrl-Z, until the shell lets this process go on.
void LaunchAttempt::pause() {
  for (const auto& process : processes_) process->signal(SIGSTOP);
  ::raise(SIGSTOP);
  for (const auto& process : processes_) process->signal(SIGCONT);
}

void LaunchAttempt::collect() {
  for (const auto& process : processes_) {
    if (!process->just_ended() || ended_in_order(*process)) continue;
    lose(*process);
  }
}

bool LaunchAttempt::ended_in_order(const RankProcess& process) {
  if (process.killed_by() != 0) return false;
  if (process.exit_code() == 0) return true;
  const auto beat = board_.beats()[static_cast<std::size_t>(process.rank())];
  return beat && beat->state == RankStatus::State::done;
}

void LaunchAttempt::lose(const RankProcess& process) {
  if (first_lost_ != nullptr) return;
  if (options_.workers && process.rank() != 0) return lose_worker(process);
  first_lost_ = &process;
  kill_at_ = Clock::now() + kPatience;
  RankFailure failure;
  failure.rank = process.rank();
  failure.text = end_of(process, board_.beats()[static_cast<std::size_t>(process.rank())]);
  failure_ = board_.post(failure);
  if (process.killed_by() != 0 && interrupted_by_ == 0) print_failure();
}

void LaunchAttempt::lose_worker(const RankProcess& process) {
  if (interrupted_by_ == 0)
    print(stderr, "onecycle: {}; the others go on\n", end_of(process, std::nullopt));
}

void LaunchAttempt::print_failure() {
  if (!failure_->own || std::exchange(failure_printed_, true)) return;
  print(stderr, "onecycle: {}\n", visible(failure_->text));
}

// All for a reason of their own, and the same, which rank 0 has said.
bool LaunchAttempt::failed_alike() {
  if (!failure_->own) return false;
  for (const auto& beat : board_.beats())
    if (beat && beat->state == RankStatus::State::heard) return false;
  return std::all_of(processes_.begin(), processes_.end(), [&](const auto& process) {
    return process->killed_by() == 0 && process->exit_code() == first_lost_->exit_code();
  });
}

LaunchAttempt::End LaunchAttempt::judge() {
  for (const auto& process : processes_) process->lines().close();
  End end;
  if (first_lost_ == nullptr) {
    for (const auto& process : processes_)
      if (end.exit_code == 0 && !(options_.workers && process->rank() != 0))
        end.exit_code = process->exit_code();
    return end;
  }
  if (interrupted_by_ != 0) {
    end.exit_code = 128 + interrupted_by_;
    return end;
  }
  if (failed_alike()) {
    end.exit_code = first_lost_->exit_code();
    return end;
  }
  bool said = false;
  for (const auto& process : processes_) {
    said = said || (process->rank() == failure_->rank && process->lines().holds_lines());
    process->lines().print_held();
  }
  if (!said) print_failure();

  const RankProcess* culprit = first_lost_;
  if (failure_->rank >= 0) culprit = processes_[static_cast<std::size_t>(failure_->rank)].get();
  const bool exited = culprit->killed_by() == 0 && culprit->exit_code() != 0;
  end.exit_code = exited ? culprit->exit_code() : 1;
  end.lost_a_rank =
      failure_->own ? first_lost_->killed_by() != 0 : failure_->kind == RankFailure::Kind::lost;
  return end;
}

}  // namespace onecycle
