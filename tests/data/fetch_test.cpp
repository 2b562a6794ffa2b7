#include "onecycle/fetch.h"

#include "core/sha256.h"
#include "data_test_support.h"
#include "support/http_server.h"

#include <filesystem>

namespace onecycle {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

struct Fetch : testing::Test {
  Fetch() {
    for (int i = 0; i < 100000; ++i) body += static_cast<char>(i * 7 % 251);
    options.folder = folder / "new/place";
    options.first_wait = .01;
    download.file = "a.gz";
    download.urls = {server.url("a.gz")};
    download.sha256 = Sha256().add(body).hex();
    watch.say = [this](const std::string& line) { said.push_back(line); };
  }

  std::string path() const { return options.folder + "/a.gz"; }
  std::string part() const { return path() + ".part"; }
  void write_part(const std::string& bytes) const {
    fs::create_directories(options.folder);
    write_bytes(part(), bytes);
  }

  FetchedFile fetch() { return fetch_file(download, options, watch); }
  std::string problem() {
    try {
      fetch();
    } catch (const DataError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      return error.what();
    }
    return "";
  }
  void expect_fetched() {
    EXPECT_FALSE(fetch().was_there);
    EXPECT_EQ(read_bytes(path()), body);
    EXPECT_FALSE(fs::exists(part()));
  }

  HttpServer server;
  TemporaryFolder folder;
  std::string body;
  Download download;
  FetchOptions options;
  FetchWatch watch;
  std::vector<std::string> said;
};

TEST_F(Fetch, GetsAFile) {
  server.set("a.gz", {body});
  std::int64_t last = 0, whole = 0;
  watch.progress = [&](const std::string& file, std::int64_t done, std::int64_t total, double) {
    EXPECT_EQ(file, "a.gz");
    last = done;
    whole = total;
  };
  expect_fetched();
  EXPECT_EQ(last, 100000);
  EXPECT_EQ(whole, 100000);
  EXPECT_TRUE(fetch().was_there);
  EXPECT_EQ(server.requests().size(), 1);
}

TEST_F(Fetch, KnowsMd5) {
  server.set("a.gz", {"hello"});
  body = "hello";
  download.sha256 = "";
  download.md5 = "5d41402abc4b2a76b9719d911017c592";
  expect_fetched();
}

// As torchvision's file names have it.
TEST_F(Fetch, KnowsTheStartOfASha256) {
  server.set("a.gz", {"hello"});
  body = "hello";
  download.sha256 = "2cf24dba";  // printf hello | sha256sum
  expect_fetched();
  fs::remove(path());
  download.sha256 = "2cf24dbb";
  EXPECT_THAT(problem(), HasSubstr("its checksum is not the published one"));
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(Fetch, GoesOnFromAPart) {
  server.set("a.gz", {body});
  write_part(body.substr(0, 60000));
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 60000"));
}

TEST_F(Fetch, GoesOnWhereTheConnectionEnded) {
  server.set("a.gz", {body, 200, true, 40000});
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 0", "a.gz from 40000", "a.gz from 80000"));
}

TEST_F(Fetch, BeginsAnewWhereTheServerKnowsNoRanges) {
  server.set("a.gz", {body, 200, /*ranges=*/false});
  write_part(body.substr(0, 100));
  expect_fetched();
}

TEST_F(Fetch, BeginsAnewAfterAPartOfAnotherFile) {
  server.set("a.gz", {body});
  write_part(std::string(100000, 'x'));
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 100000", "a.gz from 0"));
}

TEST_F(Fetch, AWholePartNeedsNoServer) {
  server.set("a.gz", {body});
  write_part(body);
  expect_fetched();
}

TEST_F(Fetch, WaitsOutPassingFailures) {
  server.set("a.gz", {body, 200, true, std::string::npos, 3});
  expect_fetched();
  EXPECT_EQ(server.requests().size(), 4);
  ASSERT_EQ(said.size(), 3);
  EXPECT_THAT(said[0], HasSubstr("503"));
}

TEST_F(Fetch, TakesTheNextMirror) {
  server.set("mirror/a.gz", {body});
  server.set("wrong/a.gz", {"something else"});
  download.urls = {server.url("missing/a.gz"), server.url("wrong/a.gz"), server.url("mirror/a.gz")};
  expect_fetched();
  EXPECT_THAT(server.requests(),
              ElementsAre("missing/a.gz from 0", "wrong/a.gz from 0", "mirror/a.gz from 0"));
}

TEST_F(Fetch, AWrongChecksumIsNeverPutInPlace) {
  server.set("a.gz", {"something else"});
  EXPECT_THAT(problem(),
              testing::AllOf(HasSubstr("a.gz could not be downloaded (http://127.0.0.1:"),
                             HasSubstr("its checksum is not the published one"),
                             HasSubstr("By hand: put that file into ")));
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(Fetch, OfflineSaysWhatToDo) {
  download.urls = {"http://127.0.0.1:1/a.gz", "http://nowhere.invalid/a.gz"};
  options.attempts = 2;
  const std::string why = problem();
  EXPECT_THAT(why, HasSubstr("http://127.0.0.1:1/a.gz: "));
  EXPECT_THAT(why, HasSubstr("http://nowhere.invalid/a.gz: "));
  EXPECT_THAT(why, HasSubstr("By hand"));
}

TEST_F(Fetch, AFileThatIsThereIsNeverReplaced) {
  server.set("a.gz", {body});
  fs::create_directories(options.folder);
  write_bytes(path(), "mine");
  EXPECT_THAT(problem(), HasSubstr("is there, but is not the published file by its checksum"));
  EXPECT_EQ(read_bytes(path()), "mine");
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Fetch, StoppedItKeepsThePart) {
  server.set("a.gz", {body, 200, true, 40000});
  watch.stop = [this] { return fs::exists(part()) && fs::file_size(part()) >= 40000; };
  EXPECT_THROW(fetch(), FetchStopped);
  EXPECT_EQ(read_bytes(part()), body.substr(0, 40000));
  watch.stop = {};
  expect_fetched();
}

// A byte at a time is never silent.
TEST_F(Fetch, GivesUpWhereTheRateIsTooLow) {
  server.set("slow/a.gz", {.body = body, .drips = true});
  server.set("mirror/a.gz", {body});
  download.urls = {server.url("slow/a.gz"), server.url("mirror/a.gz")};
  options.attempts = 1;
  options.slow_seconds = 1;
  expect_fetched();
  ASSERT_EQ(said.size(), 1);
  EXPECT_THAT(said[0], HasSubstr("Less than 1000 bytes/sec"));
}

TEST_F(Fetch, TakesNoMoreThanTheStatedSize) {
  server.set("a.gz", {body});
  server.set("unsaid/a.gz", {.body = body, .says_length = false});
  download.urls.push_back(server.url("unsaid/a.gz"));
  download.bytes = 60000;
  const std::string why = problem();
  EXPECT_THAT(why, HasSubstr("a.gz: sends more than the 60000 bytes that the file has; http"));
  EXPECT_THAT(why, HasSubstr("unsaid/a.gz: sends more than the 60000 bytes"));
  EXPECT_FALSE(fs::exists(part()));
  download.bytes = 100000;
  write_part(std::string(100001, 'x'));  // of no such file
  expect_fetched();
}

TEST_F(Fetch, TakesNoMoreThanAreTakenOfAnUnknownSize) {
  server.set("a.gz", {.body = body, .says_length = false});
  options.largest = 60000;
  EXPECT_THAT(problem(), HasSubstr("add `bytes` to its download"));
  options.largest = 100000;
  expect_fetched();
}

TEST_F(Fetch, ARangeOfAStatedSizeIsTheRest) {
  server.set("a.gz", {body});
  download.bytes = 100000;
  write_part(body.substr(0, 60000));
  expect_fetched();
  EXPECT_THAT(server.requests(), ElementsAre("a.gz from 60000"));
  fs::remove(path());
  server.set("a.gz", {body, 200, /*ranges=*/false});
  write_part(body.substr(0, 60000));
  expect_fetched();
}

TEST_F(Fetch, LooksForRoomFirst) {
  server.set("a.gz", {body});
  download.bytes = 1'000'000'000'000'000;
  EXPECT_THAT(problem(), testing::AllOf(HasSubstr("a.gz: the disk of "), HasSubstr("no room")));
  EXPECT_TRUE(server.requests().empty());
  EXPECT_FALSE(fs::exists(part()));
}

TEST_F(Fetch, OnlyHttp) {
  download.urls = {"file:///etc/passwd"};
  EXPECT_THAT(problem(), HasSubstr("could not be downloaded"));
}

TEST(FetchFolder, IsAbsolute) {
  EXPECT_EQ(fetch_folder("x", {"${ONECYCLE_NOT_SET}/x", "data/x", "/some/x"}), "/some/x");
  EXPECT_THROW((void)fetch_folder("x", {"data/x"}), DataError);
}

}  // namespace
}  // namespace onecycle
