#include "data/fetch/transfer.h"

#include "core/process/blocked_signals.h"
#include "core/text/format.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <curl/curl.h>
#include <filesystem>
#include <memory>
#include <mutex>

namespace onecycle {

namespace {

constexpr long kMostRedirects = 8;
constexpr long kConnectSeconds = 15;

struct State {
  const std::string* file;
  std::filesystem::path folder;
  const FetchWatch* watch;
  std::FILE* out;
  std::int64_t before;  // bytes of the part when the attempt began
  std::int64_t most;    // of the whole file
  CURL* curl;
  std::int64_t written = 0;
  bool write_failed = false;
  bool too_large = false;
  bool no_room = false;
};

std::size_t take(char* bytes, std::size_t, std::size_t count, void* given) {
  auto* state = static_cast<State*>(given);
  state->too_large =
      static_cast<std::int64_t>(count) > state->most - state->before - state->written;
  if (state->too_large) return 0;
  state->written += static_cast<std::int64_t>(count);
  const std::size_t written = std::fwrite(bytes, 1, count, state->out);
  state->write_failed = written != count;
  return written;
}

int report(void* given, curl_off_t total, curl_off_t done, curl_off_t, curl_off_t) {
  auto* state = static_cast<State*>(given);
  std::error_code unknown;
  const auto room = std::filesystem::space(state->folder, unknown);
  state->no_room =
      !unknown && total > done && static_cast<std::uint64_t>(total - done) > room.available;
  if (state->no_room) return 1;
  if (state->watch->stop && state->watch->stop()) return 1;
  if (!state->watch->progress || done == 0) return 0;
  curl_off_t speed = 0;
  curl_easy_getinfo(state->curl, CURLINFO_SPEED_DOWNLOAD_T, &speed);
  state->watch->progress(*state->file, state->before + done, total > 0 ? state->before + total : 0,
                         static_cast<double>(speed));
  return 0;
}

bool passes(CURLcode code, long status) {
  switch (code) {
    case CURLE_OK:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_COULDNT_CONNECT:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    case CURLE_HTTP_RETURNED_ERROR:
      return status >= 500 || status == 408 || status == 429;
    default:
      return false;
  }
}

// Where distributions keep the certificates that they trust. libcurl knows the place of the one
// that it was built on.
const char* certificates() {
  if (const char* chosen = std::getenv("SSL_CERT_FILE"); chosen != nullptr && *chosen != '\0')
    return chosen;
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"})
    if (std::error_code none; std::filesystem::exists(file, none)) return file;
  return nullptr;
}

using Handle = std::unique_ptr<CURL, void (*)(CURL*)>;

void set_up(CURL* curl, const std::string& url, const FetchOptions& options, State& state,
            char* message) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  if (const char* file = certificates()) curl_easy_setopt(curl, CURLOPT_CAINFO, file);
  curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMostRedirects);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "onecycle");
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options.least_rate));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options.slow_seconds));
  // Of what the server announces: the whole file, where it knows no ranges.
  curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(state.most));
  curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(state.before));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &state);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, report);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &state);
}

Transfer outcome(CURLcode code, const State& state, const char* message) {
  long status = 0;
  curl_easy_getinfo(state.curl, CURLINFO_RESPONSE_CODE, &status);
  // A server that knows no ranges, or has nothing there; libcurl lets the latter pass.
  if (code == CURLE_RANGE_ERROR || status == 416) return {Transfer::Result::overshot, ""};
  if (code == CURLE_OK) return {Transfer::Result::done, ""};
  if (state.too_large || code == CURLE_FILESIZE_EXCEEDED) return {Transfer::Result::too_large, ""};
  if (state.no_room) return {Transfer::Result::no_room, ""};
  if (code == CURLE_ABORTED_BY_CALLBACK) return {Transfer::Result::stopped, ""};
  if (state.write_failed) return {Transfer::Result::lasting, std::strerror(errno)};
  const std::string why = *message != '\0' ? message : curl_easy_strerror(code);
  return {passes(code, status) ? Transfer::Result::passing : Transfer::Result::lasting, why};
}

}  // namespace

Transfer transfer(const std::string& url, const std::string& file, const std::string& part,
                  std::int64_t most, const FetchOptions& options, const FetchWatch& watch) {
  const NoBrokenPipes blocked;
  static std::once_flag started;
  std::call_once(started, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  const Handle curl(curl_easy_init(), curl_easy_cleanup);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(part.c_str(), "ab"),
                                                            std::fclose);
  if (!curl || !out)
    throw DataError(format("{}: cannot be written: {}", part, std::strerror(errno)));
  State state{&file,
              std::filesystem::absolute(part).parent_path(),
              &watch,
              out.get(),
              static_cast<std::int64_t>(std::filesystem::file_size(part)),
              most,
              curl.get()};
  char message[CURL_ERROR_SIZE] = "";
  set_up(curl.get(), url, options, state, message);
  const CURLcode code = curl_easy_perform(curl.get());
  state.write_failed |= std::fflush(out.get()) != 0;
  if (code == CURLE_OK && state.write_failed)
    return {Transfer::Result::lasting, std::strerror(errno)};
  return outcome(code, state, message);
}

}  // namespace onecycle
