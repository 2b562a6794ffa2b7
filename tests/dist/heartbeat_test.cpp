#include "dist/heartbeat/heartbeat.h"

#include "onecycle/error.h"

#include "dist/group/store.h"
#include "dist/heartbeat/peers.h"
#include "dist/heartbeat/status_board.h"
#include "support/comes_true.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// What the ranks said and which ended, of all Pulses of a test.
class Record {
 public:
  HeartbeatOptions::Duration interval = 40ms;
  HeartbeatOptions::Duration timeout = 1000ms;

  HeartbeatOptions options(std::int64_t rank) {
    HeartbeatOptions options;
    options.interval = interval;
    options.timeout = timeout;
    options.join_timeout = 1500ms;
    options.grace = 200ms;
    options.say = [this, rank](const std::string& line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::to_string(rank) + "> " + line);
    };
    options.end = [this, rank](const std::string&) {
      const std::lock_guard lock(mutex_);
      ended_.push_back(rank);
    };
    return options;
  }

  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::size_t ended() const {
    const std::lock_guard lock(mutex_);
    return ended_.size();
  }
  bool await_ended(std::size_t count) const {
    return comes_true([&] { return ended() >= count; }) && ended() == count;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::vector<std::int64_t> ended_;
};

class PulseTest : public ::testing::Test {
 protected:
  std::unique_ptr<Heartbeat> start(std::int64_t rank, std::int64_t size) {
    return std::make_unique<Heartbeat>(place(rank, size), record_.options(rank));
  }
  RankPlace place(std::int64_t rank, std::int64_t size) const {
    RankPlace place;
    place.rank = place.local_rank = rank;
    place.size = place.local_size = size;
    place.port = store_->getPort();
    place.store_is_served = served_;
    place.launcher = "torchrun";
    return place;
  }

  // Until the rank has told of the step, and each of `others` has looked at what was told then: its
  // second sign of life from now on comes after that.
  void await_step(std::int64_t rank, std::int64_t step, const std::vector<std::size_t>& others) {
    StatusBoard board(connect_store(place(0, 3), 5s), "watch", 3);
    const auto count = [&](std::size_t other) {
      const auto beat = board.beats()[other];
      return beat ? beat->count : 0;
    };
    const auto told = [&] {
      const auto beat = board.beats()[static_cast<std::size_t>(rank)];
      return beat && beat->step == step;
    };
    while (!told()) std::this_thread::sleep_for(10ms);
    for (const std::size_t other : others)
      for (const auto before = count(other); count(other) < before + 2;)
        std::this_thread::sleep_for(10ms);
  }

  c10::intrusive_ptr<c10d::TCPStore> store_ = serve_store("127.0.0.1", 0, 5s);
  bool served_ = true;
  Record record_;
};

TEST_F(PulseTest, OneOfTheOthersNamesARankThatFallsSilent) {
  const auto first = start(0, 3);
  auto second = start(1, 3);
  const auto third = start(2, 3);
  second->at(120);
  await_step(1, 120, {0, 2});
  second.reset();
  ASSERT_TRUE(record_.await_ended(2));
  ASSERT_EQ(record_.lines().size(), 1U);
  EXPECT_THAT(record_.lines()[0],
              AllOf(HasSubstr("> rank 1 ("), HasSubstr("has not been heard from for 1"),
                    HasSubstr("pid " + std::to_string(::getpid())),
                    HasSubstr("it was at step 120: it is stopped, hung or cut off")));
}

TEST_F(PulseTest, NobodyMissesARankThatFinished) {
  const auto first = start(0, 2);
  const auto second = start(1, 2);
  second->finish();
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(record_.ended(), 0U);
  EXPECT_TRUE(record_.lines().empty());
  first->finish();
}

TEST_F(PulseTest, ARankThatNeverJoinsIsNamed) {
  const auto first = start(0, 2);
  ASSERT_TRUE(record_.await_ended(1));
  EXPECT_THAT(record_.lines(), ::testing::ElementsAre(HasSubstr("rank 1 of 2 has not joined in")));
}

TEST_F(PulseTest, GivingUpTellsTheOthersWhy) {
  const auto first = start(0, 3);
  const auto second = start(1, 3);
  const auto third = start(2, 3);
  EXPECT_TRUE(second->give_up("out of memory"));
  EXPECT_FALSE(third->give_up("something later"));
  const RankFailure failure = first->await_failure(5s);
  EXPECT_EQ(failure.text, "rank 1: out of memory");
  EXPECT_EQ(failure.rank, 1);
  EXPECT_EQ(failure.kind, RankFailure::Kind::gave_up);
  EXPECT_EQ(first->explain(5s), "") << "the other rank says it";
  EXPECT_EQ(third->explain(5s), "");
}

// Long before the time-out, which here never comes.
TEST_F(PulseTest, AfterAFailedCollectiveASilentRankIsNamedSoon) {
  record_.timeout = 1h;
  const auto first = start(0, 3);
  auto second = start(1, 3);
  const auto third = start(2, 3);
  await_step(1, 0, {0, 2});
  second.reset();
  std::string other;
  std::thread also_failed([&] { other = third->explain(1h); });
  const std::string line = first->explain(1h);
  also_failed.join();
  EXPECT_NE(line.empty(), other.empty()) << "one of them says it: " << line << other;
  EXPECT_THAT(line + other, AllOf(HasSubstr("rank 1 ("), HasSubstr("has not been heard from")));
}

TEST_F(PulseTest, AConnectionThatBrokeAmongLivingRanksIsSaid) {
  record_.interval = 500ms;  // none is silent within the second that is waited for a failure
  record_.timeout = 1h;
  const auto first = start(0, 2);
  const auto second = start(1, 2);
  first->at(7);
  second->at(5);
  await_step(0, 7, {});
  await_step(1, 5, {0});
  EXPECT_THAT(first->explain(1s),
              AllOf(HasSubstr("rank 1 ("), HasSubstr("at step 5, when rank 0 is at step 7")));
}

TEST_F(PulseTest, TheLossOfTheStoreIsSaidOnceAMachine) {
  served_ = false;
  RankPlace far = place(1, 3);
  far.local_rank = 1;
  const Heartbeat near(far, record_.options(1));
  const auto also_near = start(2, 3);
  {
    const auto first = start(0, 3);
    first->at(33);
    await_step(0, 33, {1, 2});
    store_.reset();
    std::this_thread::sleep_for(200ms);
  }
  ASSERT_TRUE(record_.await_ended(2));
  ASSERT_EQ(record_.lines().size(), 1U);
  EXPECT_THAT(record_.lines()[0],
              AllOf(HasSubstr("1> rank 0 ("), HasSubstr("is gone or out of reach"),
                    HasSubstr("127.0.0.1:"), HasSubstr("it was at step 33")));
}

TEST_F(PulseTest, TheServingRankWaitsUntilTheOthersKnow) {
  served_ = false;
  record_.interval = 1s;  // none is taken for gone within three of them
  record_.timeout = 1h;
  auto first = start(0, 2);
  const auto second = start(1, 2);
  first->give_up("no more disk");
  first.reset();
  store_.reset();
  EXPECT_EQ(second->await_failure(5s).text, "rank 0: no more disk");
  EXPECT_EQ(second->explain(1s), "");
}

TEST(PeersOfARank, TimeThatItDidNotWatchDoesNotCount) {
  Peers peers(0, 2, 2s);
  RankStatus beat;
  beat.count = 1;
  const auto start = Peers::Clock::now();
  peers.look({beat, beat}, start);
  peers.look({beat, beat}, start + 100s);
  EXPECT_FALSE(peers.silent_for(30s));
  for (int i = 1; i <= 28; ++i) peers.look({beat, beat}, start + 100s + i * 1s);
  EXPECT_TRUE(peers.silent_for(30s));
  beat.count = 2;
  peers.look({beat, beat}, start + 129s);
  EXPECT_FALSE(peers.silent_for(1s));
}

TEST(RankTimeout, IsReadFromTheEnvironment) {
  EXPECT_EQ(rank_timeout(), 30s);
  ::setenv("ONECYCLE_RANK_TIMEOUT", "4.5", 1);
  EXPECT_EQ(rank_timeout(), 4500ms);
  for (const char* wrong : {"soon", "1", "-5"}) {
    ::setenv("ONECYCLE_RANK_TIMEOUT", wrong, 1);
    EXPECT_THROW(rank_timeout(), UsageError);
  }
  ::unsetenv("ONECYCLE_RANK_TIMEOUT");
}

}  // namespace
}  // namespace onecycle::testing
