#include "study/search/study_database.h"

#include "onecycle/error.h"

#include "core/files/file_error.h"
#include "core/text/format.h"

#include <SQLiteCpp/Exception.h>
#include <cmath>
#include <sqlite3.h>

namespace onecycle {

namespace {

constexpr int kBusyMilliseconds = 60'000;

// Where the study itself is not at fault.
bool fails_as_a_file(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_BUSY:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
      return true;
    default:
      return false;
  }
}

// What `act` returns; its failure is told with the file's name.
template <class Act>
auto telling(const std::string& path, const char* what, const Act& act) {
  try {
    return act();
  } catch (const SQLite::Exception& error) {
    const std::string text = format("{}: {}: {}", path, what, error.what());
    if (fails_as_a_file(error.getErrorCode())) throw FileError(text);
    throw Error(text);
  }
}

SQLite::Database opened(const std::string& path) {
  try {
    return {path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMilliseconds};
  } catch (const SQLite::Exception& error) {
    throw FileError(format("{}: cannot be opened: {}", path, error.what()));
  }
}

}  // namespace

Database::Database(const std::string& path) : SQLite::Database(opened(path)) {
  // A file of others runs nothing of its own: neither triggers nor views, and no functions by them.
  for (const int off : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                        SQLITE_DBCONFIG_TRUSTED_SCHEMA})
    sqlite3_db_config(getHandle(), off, 0, nullptr);
  execute("PRAGMA journal_mode = WAL");
  execute("PRAGMA synchronous = FULL");
}

void Database::execute(const char* sql) {
  telling(path(), "failed", [&] { return exec(sql); });
}

Statement::Statement(Database& database, const std::string& sql)
    : SQLite::Statement(telling(database.path(), "not a study",
                                [&] { return SQLite::Statement(database, sql); })),
      path_(database.path()) {}

Statement& Statement::bind(const std::optional<double>& value) {
  if (value && std::isfinite(*value)) return bind(*value);
  SQLite::Statement::bind(++bound_);
  return *this;
}

bool Statement::step() {
  return telling(path_, "failed", [&] { return executeStep(); });
}

Transaction::Transaction(Database& database)
    : path_(database.path()), transaction_(telling(path_, "failed", [&] {
        return SQLite::Transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
      })) {}

void Transaction::commit() {
  telling(path_, "failed", [&] { transaction_.commit(); });
}

}  // namespace onecycle
