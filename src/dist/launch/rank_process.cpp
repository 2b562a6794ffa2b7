#include "dist/launch/rank_process.h"

#include "onecycle/error.h"

#include "core/text/format.h"
#include "core/text/print.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <utility>

namespace onecycle {

namespace {

constexpr std::size_t kLongestLine = 1 << 16;
constexpr const char* kEnding = "onecycle: ";

}  // namespace

void RankOutput::print(const std::string& line) const {
  onecycle::print(stderr, "{}{}\n", prefix_, line);
}

void RankOutput::take_lines(const std::function<bool()>& hold) {
  for (;;) {
    std::size_t end = text_.find('\n');
    const std::size_t next = end == std::string::npos ? kLongestLine : end + 1;
    if (end == std::string::npos) {
      if (text_.size() < kLongestLine) return;
      end = kLongestLine;
    }
    const std::string line = text_.substr(0, end);
    text_.erase(0, next);
    if (line.starts_with(kEnding) && hold())
      held_.push_back(line);
    else
      print(line);
  }
}

void RankOutput::read(const std::function<bool()>& hold) {
  while (pipe_) {
    const ssize_t count = pipe_.read(text_);
    if (count > 0)
      take_lines(hold);
    else if (count < 0 && errno == EAGAIN)
      return;
    else
      close();
  }
}

void RankOutput::close() {
  pipe_.reset();
  if (!text_.empty()) print(std::exchange(text_, {}));
}

void RankOutput::print_held() {
  for (const std::string& line : std::exchange(held_, {})) print(line);
}

RankProcess::RankProcess(std::int64_t rank, const std::vector<std::string>& arguments,
                         const std::vector<std::string>& environment)
    : ChildProcess({.arguments = arguments, .environment = environment, .own_streams = rank == 0}),
      rank_(rank),
      lines_(format("[rank {}] ", rank), std::move(output())) {
  if (failure() != 0)
    throw Error(format("rank {} cannot be started: {}", rank, std::strerror(failure())));
  if (rank != 0) ::fcntl(lines_.descriptor(), F_SETFL, O_NONBLOCK);
}

}  // namespace onecycle
