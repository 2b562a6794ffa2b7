#include "dist/launch/place.h"

#include "onecycle/error.h"

#include "dist/launch/place_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace onecycle::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

std::optional<RankPlace> place_with(const Environment& environment) {
  return place_in([&](const char* name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  });
}

Environment with(Environment environment, const Environment& more) {
  for (const auto& [name, value] : more) environment[name] = value;
  return environment;
}

std::string refusal(const Environment& environment) {
  try {
    place_with(environment);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

const Environment kTorchrun = {{"RANK", "5"},
                               {"WORLD_SIZE", "8"},
                               {"LOCAL_RANK", "1"},
                               {"LOCAL_WORLD_SIZE", "4"},
                               {"MASTER_ADDR", "n1"},
                               {"MASTER_PORT", "29400"},
                               {"GROUP_RANK", "1"},
                               {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                               {"TORCHELASTIC_RUN_ID", "none"},
                               {"TORCHELASTIC_RESTART_COUNT", "2"}};

const Environment kSrun = {{"SLURM_PROCID", "5"},
                           {"SLURM_NTASKS", "7"},
                           {"SLURM_LOCALID", "1"},
                           {"SLURM_NODEID", "1"},
                           {"SLURM_STEP_ID", "0"},
                           {"SLURM_JOB_ID", "4711"},
                           {"SLURM_STEP_TASKS_PER_NODE", "4,3"},
                           {"SLURM_STEP_NODELIST", "node[07-09,12],x3"}};

const Environment kMpirun = {{"OMPI_COMM_WORLD_RANK", "1"},
                             {"OMPI_COMM_WORLD_SIZE", "2"},
                             {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                             {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                             {"PMIX_NAMESPACE", "1173946369"}};

TEST(Place, NoLauncherNoRank) {
  EXPECT_FALSE(place_with({}));
  EXPECT_FALSE(place_with({{"MASTER_ADDR", "n1"}, {"MASTER_PORT", "1"}, {"LOCAL_RANK", "0"}}));
}

TEST(Place, OfTorchrun) {
  const auto place = place_with(kTorchrun);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 5);
  EXPECT_EQ(place->size, 8);
  EXPECT_EQ(place->local_rank, 1);
  EXPECT_EQ(place->local_size, 4);
  EXPECT_EQ(place->address, "n1");
  EXPECT_EQ(place->port, 29400);
  EXPECT_TRUE(place->store_is_served);
  EXPECT_EQ(place->attempt, 2);
  EXPECT_EQ(place->launcher, "torchrun");
}

TEST(Place, OfOurLauncher) {
  const auto place = place_with({{"RANK", "1"},
                                 {"WORLD_SIZE", "2"},
                                 {"LOCAL_RANK", "1"},
                                 {"LOCAL_WORLD_SIZE", "2"},
                                 {"MASTER_ADDR", "127.0.0.1"},
                                 {"MASTER_PORT", "41000"},
                                 {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                 {"ONECYCLE_ATTEMPT", "3"}});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->launcher, "onecycle --ranks");
  EXPECT_EQ(place->attempt, 3);
  EXPECT_TRUE(place->store_is_served && place->one_machine());
}

TEST(Place, InsideAnotherLauncherTheInnerOneCounts) {
  const Environment outer = {{"SLURM_PROCID", "1"},
                             {"SLURM_NTASKS", "2"},
                             {"SLURM_STEP_ID", "0"},
                             {"OMPI_COMM_WORLD_RANK", "0"},
                             {"OMPI_COMM_WORLD_SIZE", "1"}};
  EXPECT_EQ(place_with(with(kTorchrun, outer))->rank, 5);
  const auto mpirun_in_srun = place_with(with(with(kSrun, kMpirun), {{"SLURM_PROCID", "0"}}));
  EXPECT_EQ(mpirun_in_srun->launcher, "mpirun");
  EXPECT_EQ(mpirun_in_srun->size, 2);
}

TEST(Place, SetByHand) {
  const auto place = place_with(
      {{"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "trainer-0"}, {"MASTER_PORT", "23456"}});
  ASSERT_TRUE(place);
  EXPECT_EQ(place->launcher, "RANK");
  EXPECT_FALSE(place->store_is_served);
  EXPECT_EQ(place->local_rank, 0);
  EXPECT_EQ(place->local_size, 1);
  EXPECT_FALSE(place->one_machine());
}

TEST(Place, OfSrun) {
  const auto place = place_with(kSrun);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 5);
  EXPECT_EQ(place->size, 7);
  EXPECT_EQ(place->local_rank, 1);
  EXPECT_EQ(place->local_size, 3);
  EXPECT_EQ(place->address, "node07");
  EXPECT_FALSE(place->store_is_served);
  EXPECT_EQ(place->launcher, "srun");
  EXPECT_GE(place->port, 20000);
  EXPECT_LT(place->port, 30000);
  EXPECT_EQ(place_with(with(kSrun, {{"SLURM_PROCID", "2"}}))->port, place->port);
  EXPECT_NE(place_with(with(kSrun, {{"SLURM_STEP_ID", "1"}}))->port, place->port);
  const auto told = place_with(
      with(kSrun, {{"MASTER_ADDR", "ib0"}, {"MASTER_PORT", "29500"}, {"WORLD_SIZE", "7"}}));
  EXPECT_EQ(told->address, "ib0");
  EXPECT_EQ(told->port, 29500);
}

TEST(Place, ABatchScriptIsNoRank) {
  Environment script = kSrun;
  script.erase("SLURM_STEP_ID");
  EXPECT_FALSE(place_with(script));
  EXPECT_FALSE(place_with(with(kSrun, {{"SLURM_STEP_ID", "4294967291"}})));
  EXPECT_FALSE(place_with(with(kSrun, {{"SLURM_STEP_ID", "4294967290"}}))) << "an interactive step";
}

TEST(Place, OfMpirun) {
  const auto place = place_with(kMpirun);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 1);
  EXPECT_EQ(place->local_size, 2);
  EXPECT_EQ(place->address, "127.0.0.1");
  EXPECT_EQ(place->launcher, "mpirun");
  EXPECT_NE(place->port, place_with(with(kMpirun, {{"PMIX_NAMESPACE", "1173946370"}}))->port);
  const Environment spread =
      with(kMpirun, {{"OMPI_COMM_WORLD_LOCAL_SIZE", "1"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "0"}});
  EXPECT_THAT(refusal(spread), HasSubstr("MASTER_ADDR is not set"));
  EXPECT_EQ(place_with(with(spread, {{"MASTER_ADDR", "10.0.0.1"}}))->address, "10.0.0.1");
}

TEST(Place, OfMpich) {
  const Environment mpich = {
      {"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};
  EXPECT_EQ(place_with(mpich)->rank, 1);
  EXPECT_EQ(place_with(mpich)->address, "127.0.0.1");
  const auto by_srun = place_with(with(kSrun, {{"PMI_RANK", "5"}, {"PMI_SIZE", "7"}}));
  EXPECT_EQ(by_srun->launcher, "srun") << "srun --mpi=pmi2";
}

TEST(Place, AGroupOfOneNeedsNoAddress) {
  EXPECT_EQ(place_with({{"RANK", "0"}, {"WORLD_SIZE", "1"}})->size, 1);
  EXPECT_EQ(place_with({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}})->size, 1);
  EXPECT_EQ(
      place_with({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}, {"SLURM_STEP_ID", "0"}})->size, 1);
}

TEST(Place, ContradictionsNameBothVariables) {
  const Environment rank = {
      {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "a"}, {"MASTER_PORT", "1234"}};
  EXPECT_THAT(refusal(with(with(kMpirun, rank), {{"OMPI_COMM_WORLD_RANK", "0"}})),
              AllOf(HasSubstr("RANK is 1"), HasSubstr("OMPI_COMM_WORLD_RANK is 0")));
  EXPECT_THAT(refusal(with(kMpirun, with(rank, {{"WORLD_SIZE", "3"}}))),
              AllOf(HasSubstr("WORLD_SIZE is 3"), HasSubstr("OMPI_COMM_WORLD_SIZE is 2")));
  EXPECT_THAT(refusal(with(kSrun, rank)),
              AllOf(HasSubstr("RANK is 1"), HasSubstr("SLURM_PROCID is 5")));
  EXPECT_THAT(refusal(with(kSrun, {{"WORLD_SIZE", "8"}})),
              AllOf(HasSubstr("WORLD_SIZE is 8"), HasSubstr("SLURM_NTASKS is 7")));
  EXPECT_THAT(refusal(with(kMpirun, {{"RANK", "0"}})),
              AllOf(HasSubstr("RANK is 0"), HasSubstr("OMPI_COMM_WORLD_RANK is 1")));
  EXPECT_EQ(refusal(with(kMpirun, rank)), "");
}

TEST(Place, WhatIsWrongOrMissingIsNamed) {
  EXPECT_THAT(refusal(with(kTorchrun, {{"RANK", "8"}})),
              AllOf(HasSubstr("RANK is 8"), HasSubstr("WORLD_SIZE is 8")));
  EXPECT_THAT(refusal(with(kTorchrun, {{"LOCAL_RANK", "4"}})),
              AllOf(HasSubstr("LOCAL_RANK is 4"), HasSubstr("LOCAL_WORLD_SIZE is 4")));
  EXPECT_THAT(refusal(with(kTorchrun, {{"LOCAL_WORLD_SIZE", "9"}})),
              AllOf(HasSubstr("LOCAL_WORLD_SIZE is 9"), HasSubstr("WORLD_SIZE is 8")));
  EXPECT_THAT(refusal({{"RANK", "1"}}), HasSubstr("RANK is 1, but WORLD_SIZE is not set"));
  EXPECT_THAT(refusal({{"WORLD_SIZE", "2"}}), HasSubstr("WORLD_SIZE is 2, but RANK is not set"));
  for (const char* needed : {"MASTER_ADDR", "MASTER_PORT"}) {
    Environment lacking = kTorchrun;
    lacking.erase(needed);
    EXPECT_THAT(refusal(lacking), HasSubstr(std::string(needed) + " is not set"));
  }
  for (const char* wrong : {"one", "-1", "1.5", "1 "})
    EXPECT_THAT(refusal(with(kTorchrun, {{"RANK", wrong}})),
                HasSubstr("RANK is '" + std::string(wrong) + "', not a whole number"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"WORLD_SIZE", "0"}})), HasSubstr("WORLD_SIZE is '0'"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"MASTER_PORT", "65536"}})), HasSubstr("not a port"));
  EXPECT_THAT(refusal(with(kTorchrun, {{"MASTER_PORT", "0"}})), HasSubstr("MASTER_PORT is '0'"));
  EXPECT_THAT(refusal(with(kSrun, {{"SLURM_STEP_NODELIST", "node[1-"}})), HasSubstr("node[1-"));
}

TEST(Place, SlurmsLists) {
  EXPECT_EQ(first_host("node[01-04,07],x3"), "node01");
  EXPECT_EQ(first_host("node[7,9-11]"), "node7");
  EXPECT_EQ(first_host("rack[2-3]n[05-06]"), "rack2n05");
  EXPECT_EQ(first_host("alpha,beta"), "alpha");
  EXPECT_EQ(first_host("n[1-2]-ib"), "n1-ib");
  EXPECT_EQ(first_host(""), "");
  EXPECT_EQ(tasks_on("4(x2),3", 0), 4);
  EXPECT_EQ(tasks_on("4(x2),3", 1), 4);
  EXPECT_EQ(tasks_on("4(x2),3", 2), 3);
  EXPECT_EQ(tasks_on("4(x2),3", 3), std::nullopt);
  EXPECT_EQ(tasks_on("many", 0), std::nullopt);
}

}  // namespace
}  // namespace onecycle::testing
