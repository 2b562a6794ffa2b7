#include "dist/group/store.h"

#include "onecycle/error.h"

#include "dist/group/sealed_store.h"
#include "dist/heartbeat/status_board.h"
#include "dist/launch/address.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <sstream>
#include <thread>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// "0100007F:1F90" of every socket of this machine that listens.
std::set<std::string> listening() {
  std::set<std::string> found;
  for (const char* path : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream in(line);
      std::string number, local, remote, state;
      in >> number >> local >> remote >> state;
      if (state == "0A") found.insert(local);
    }
  }
  return found;
}

std::set<std::string> listening_on(std::uint16_t port) {
  char end[8];
  std::snprintf(end, sizeof end, ":%04X", port);
  std::set<std::string> found;
  for (const std::string& socket : listening())
    if (socket.ends_with(end)) found.insert(socket.substr(0, socket.find(':')));
  return found;
}

RankPlace place_at(std::uint16_t port, std::int64_t rank = 1) {
  RankPlace place;
  place.rank = rank;
  place.size = place.local_size = 2;
  place.local_rank = rank;
  place.port = port;
  place.launcher = "mpirun";
  return place;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const DistError& error) {
    return error.what();
  }
  return "";
}

TEST(StoreOfRanks, ListensOnTheGivenAddressAlone) {
  const auto one = serve_store("127.0.0.1", 0, 5s);
  EXPECT_EQ(listening_on(one->getPort()), std::set<std::string>{"0100007F"});
  const auto other = serve_store("127.0.0.2", 0, 5s);
  EXPECT_EQ(listening_on(other->getPort()), std::set<std::string>{"0200007F"});
}

TEST(StoreOfRanks, IsReachedByAllAndKeepsAttemptsApart) {
  const auto server = serve_store("127.0.0.1", 0, 5s);
  RankPlace place = place_at(server->getPort());
  const Store first = connect_store(place, 5s);
  const Store second = connect_store(place_at(server->getPort(), 0), 5s);
  first->set("key", "value");
  EXPECT_EQ(second->get_to_str("key"), "value");
  place.attempt = 1;
  EXPECT_FALSE(connect_store(place, 5s)->check({"key"}));
}

TEST(StoreOfRanks, Rank0ServesItWhereNoLauncherDoes) {
  const std::uint16_t port = serve_store("127.0.0.1", 0, 1s)->getPort();
  Store early;
  std::thread first_to_come([&] { early = open_store(place_at(port, 1), 10s); });
  std::this_thread::sleep_for(300ms);
  const Store served = open_store(place_at(port, 0), 10s);
  first_to_come.join();
  served->set("a", "b");
  EXPECT_EQ(early->get_to_str("a"), "b");
  EXPECT_EQ(listening_on(port), std::set<std::string>{"0100007F"});
}

TEST(StoreOfRanks, ThatNobodyServesIsOneLine) {
  const std::uint16_t port = serve_store("127.0.0.1", 0, 1s)->getPort();
  EXPECT_THAT(refusal([&] { connect_store(place_at(port), 500ms); }),
              AllOf(HasSubstr("rank 1 cannot reach the store at 127.0.0.1:" + std::to_string(port)),
                    HasSubstr("which rank 0 of mpirun serves"), HasSubstr("refused")));
  RankPlace nowhere = place_at(port);
  nowhere.address = "no-such-host.invalid";
  nowhere.store_is_served = true;
  EXPECT_THAT(refusal([&] { connect_store(nowhere, 100ms); }),
              AllOf(HasSubstr("no machine has that name"), HasSubstr("which mpirun serves")));
}

TEST(StoreOfRanks, APortInUseOrAForeignAddressIsOneLine) {
  const auto server = serve_store("127.0.0.1", 0, 1s);
  EXPECT_THAT(refusal([&] { serve_store("127.0.0.1", server->getPort(), 1s); }),
              AllOf(HasSubstr("in use"), HasSubstr("MASTER_PORT")));
  EXPECT_THAT(refusal([&] { serve_store("192.0.2.1", 0, 1s); }), HasSubstr("MASTER_ADDR"));
  RankPlace spread = place_at(server->getPort(), 0);
  spread.local_size = 1;
  spread.address = "127.1";  // a name of 127.0.0.1
  EXPECT_THAT(refusal([&] { open_store(spread, 1s); }), HasSubstr("out of the reach of others"));
}

// The store does not answer to a set: what it answers next on that connection comes after it.
void write_to(const Store& store, const std::string& key, const std::string& text) {
  store->set(key, text);
  (void)store->get(key);
}

TEST(StoreOfRanks, ValuesOfThoseWithoutTheSecretAreRefused) {
  const auto server = serve_store("127.0.0.1", 0, 5s);
  const std::string secret = new_secret();
  EXPECT_EQ(secret.size(), 32U);
  EXPECT_NE(secret, new_secret());
  RankPlace place = place_at(server->getPort());
  place.secret = secret;
  const Store own = connect_store(place, 5s);
  const Store other = connect_store(place, 5s);
  write_to(own, "key", "value");
  EXPECT_EQ(other->get_to_str("key"), "value");
  EXPECT_EQ(own->compareSet("verdict", "", "first"), "first");
  EXPECT_EQ(other->compareSet("verdict", "", "second"), "first");
  EXPECT_EQ(own->clone()->get_to_str("verdict"), "first");

  // A stranger knows the port, and may list the keys.
  const Store stranger = connect_store(place_at(server->getPort()), 5s);
  const auto refused = [&](const char* key) { return refusal([&] { own->get(key); }); };
  write_to(stranger, "key", "forged");
  EXPECT_THAT(refused("key"), HasSubstr("that none of them wrote"));
  write_to(stranger, "key", std::string(40, 'x'));
  EXPECT_THAT(refused("key"), HasSubstr("'onecycle/0/key'"));
  write_to(stranger, "key", stranger->get_to_str("verdict"));
  EXPECT_THAT(refused("key"), HasSubstr("none of them wrote")) << "another key's value";
  write_to(stranger, "verdict", "x");
  EXPECT_THAT(refusal([&] { own->compareSet("verdict", "", "second"); }),
              HasSubstr("none of them wrote"));
}

// Without a secret, as under launchers of others, anything may be read.
TEST(StoreOfRanks, WhatTheBoardReadsIsChecked) {
  const auto server = serve_store("127.0.0.1", 0, 5s);
  const RankPlace place = place_at(server->getPort());
  const Store stranger = connect_store(place, 5s);
  const auto write = [&](const char* key, const std::string& text) {
    write_to(stranger, key, text);
  };
  StatusBoard board(connect_store(place, 5s), "launcher", 2);
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("1 9 1 1 host"), std::string("1 -1 1 1 host"),
        std::string("1 0 -5 1 host"), std::string("99999999999999999999 0 1 1 host"),
        "1 0 1 1 " + std::string(100'000, 'h')}) {
    write("beat/1", text);
    EXPECT_FALSE(board.beats()[1]) << text.substr(0, 40);
  }
  board.tell(1, {3, RankStatus::State::done, 7, 42, "host"});
  EXPECT_EQ(board.beats()[1]->step, 7);
  for (const std::string& text :
       {std::string("rank1 1 2 it is your fault"), std::string("rank1 1 -2 x"),
        std::string("rank1 7 0 x"), std::string("rank1 1 99999999999999999999 x"),
        std::string("nonsense"), "rank1 1 1 " + std::string(100'000, 'x')}) {
    write("verdict", text);
    const auto failure = board.failure();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->rank, -1) << text.substr(0, 40);
    EXPECT_TRUE(failure->own) << "somebody says it";
  }
  write("verdict", "rank1 1 1 its words");
  EXPECT_EQ(board.failure()->rank, 1);
  write("folder", std::string("a\0b", 3));
  EXPECT_EQ(board.folder(), "");
  write("folder", std::string(100'000, 'x'));
  EXPECT_EQ(board.folder(), "");
}

TEST(StoreOfRanks, TheOwnAddressTowardsTheMaster) {
  EXPECT_EQ(local_address_towards("127.0.0.1", 29500), "127.0.0.1");
  EXPECT_THAT(local_address_towards("localhost", 29500), AnyOf("127.0.0.1", "::1"));
  EXPECT_THAT(refusal([] { local_address_towards("no-such-host.invalid", 1); }),
              HasSubstr("no-such-host.invalid"));
}

}  // namespace
}  // namespace onecycle::testing
