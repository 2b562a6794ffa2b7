#include "dist/group/rpc.h"

#include "onecycle/error.h"

#include "core/text/format.h"

#include <thread>

namespace onecycle {

namespace {

constexpr auto kPollQuestion = std::chrono::milliseconds(20);
constexpr int kPollsPerBeat = 25;
constexpr std::size_t kLongestQuestion = std::size_t{1} << 20;  // of a question

std::string question_key(std::int64_t rank, std::int64_t number) {
  return format("question/{}/{}", rank, number);
}
std::string answer_key(std::int64_t rank, std::int64_t number) {
  return format("answer/{}/{}", rank, number);
}
std::string beat_key(std::int64_t rank) { return format("asker/{}", rank); }

template <class Work>
auto reaching_store(const Work& work) {
  try {
    return work();
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw DistError("rank 0's work queue is gone or out of reach");
  }
}

}  // namespace

void RpcClient::beat() {
  reaching_store([&] { store_->set(beat_key(rank_), std::to_string(++beats_)); });
}

void RpcClient::tell(const std::string& statement) {
  reaching_store([&] { store_->set(question_key(rank_, ++asked_), statement); });
}

std::optional<std::string> RpcClient::ask(const std::string& question,
                                          const std::function<bool()>& stopped) {
  ++asked_;
  beat();
  return reaching_store([&]() -> std::optional<std::string> {
    store_->set(question_key(rank_, asked_), question);
    const std::string key = answer_key(rank_, asked_);
    for (int polls = 1; !store_->check({key}); ++polls) {
      if (stopped()) return std::nullopt;
      if (polls % kPollsPerBeat == 0) beat();
      std::this_thread::sleep_for(kPollQuestion);
    }
    std::string answer = store_->get_to_str(key);
    store_->deleteKey(key);
    return answer;
  });
}

void RpcServer::serve(const Give& give) {
  for (std::int64_t rank = 1; rank < size_; ++rank) {
    std::optional<std::string> beat;
    reaching_store([&] {
      if (store_->check({beat_key(rank)})) beat = store_->get_to_str(beat_key(rank));
    });
    if (!beat) continue;
    Asker& asker = askers_[rank];
    if (*beat != asker.beat) {
      asker.beat = *beat;
      asker.heard = Clock::now();
    }
    const std::string key = question_key(rank, asker.answered + 1);
    std::optional<std::string> question;
    reaching_store([&] {
      if (!store_->check({key})) return;
      question = store_->get_to_str(key);
      if (question->size() > kLongestQuestion)
        throw DistError(format("rank {} sent an unknown question", rank));
      store_->deleteKey(key);
    });
    if (!question) continue;
    const std::string answer = give(rank, *question);
    ++asker.answered;
    reaching_store([&] { store_->set(answer_key(rank, asker.answered), answer); });
  }
}

std::optional<std::int64_t> RpcServer::lost() {
  for (auto& [rank, asker] : askers_) {
    if (asker.lost || Clock::now() - asker.heard < timeout_) continue;
    asker.lost = true;
    return rank;
  }
  return std::nullopt;
}

}  // namespace onecycle
