#!/usr/bin/python3
"""Shows every check of the house a good and a bad sample: what cannot fail checks nothing."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import house  # noqa: E402


def long_function(lines):
    return "int first()\n{\n" + "    ++calls;\n" * (lines - 3) + "}\n"


def found(check, *arguments):
    return list(check(*arguments))


class IncludeDirection(unittest.TestCase):
    def breaches(self, path, include):
        return found(house.check_include_direction, path, f"// x\n#include {include}\n")

    def test_refuses_a_secret_in_audit(self):
        self.assertTrue(self.breaches("audit/line.cpp", '"vault/secret.hpp"'))

    def test_refuses_io_in_policy(self):
        self.assertTrue(self.breaches("policy/decide.cpp", "<boost/asio/ip/tcp.hpp>"))
        self.assertTrue(self.breaches("policy/decide.cpp", '"net/settings.hpp"'))

    def test_lets_proxy_see_the_resolver_and_no_store(self):
        self.assertFalse(self.breaches("proxy/serve.cpp", '"vault/resolver.hpp"'))
        self.assertTrue(self.breaches("proxy/serve.cpp", '"vault/store.hpp"'))

    def test_lets_config_see_settings_and_nothing_else_of_a_folder(self):
        self.assertFalse(self.breaches("config/settings.hpp", '"proxy/settings.hpp"'))
        self.assertTrue(self.breaches("config/settings.hpp", '"proxy/serve.hpp"'))

    def test_lets_the_command_line_see_everything(self):
        self.assertFalse(self.breaches("cli/serve.cpp", '"vault/store.hpp"'))

    def test_refuses_an_include_without_its_folder(self):
        self.assertTrue(self.breaches("vault/store.cpp", '"store.hpp"'))

    def test_keeps_third_parties_at_home(self):
        for path, include in (("proxy/a.cpp", "<yaml-cpp/yaml.h>"),
                              ("audit/a.cpp", "<sqlite3.h>"),
                              ("control/a.cpp", "<hiredis/hiredis.h>"),
                              ("net/a.cpp", "<CLI/CLI.hpp>"),
                              ("net/tls.cpp", "<hiredis/hiredis.h>"),
                              ("vault/a.cpp", "<boost/beast/core.hpp>")):
            self.assertTrue(self.breaches(path, include), (path, include))
        self.assertFalse(self.breaches("net/redis_link.cpp", "<hiredis/hiredis.h>"))


class Sizes(unittest.TestCase):
    def test_refuses_a_file_past_the_limit(self):
        self.assertFalse(found(house.check_file_size, "a.cpp", "x\n" * 400))
        self.assertTrue(found(house.check_file_size, "a.cpp", "x\n" * 401))

    def test_accepts_a_reason_in_the_files_opening(self):
        reason, rest = "// Size: because of x\n", "x\n" * 401
        self.assertFalse(found(house.check_file_size, "a.cpp", "// A.\n" + reason + rest))
        self.assertTrue(found(house.check_file_size, "a.cpp", "x\n" + reason + rest))

    def test_refuses_a_function_past_the_limit(self):
        self.assertFalse(found(house.check_function_size, "a.cpp", long_function(70)))
        self.assertTrue(found(house.check_function_size, "a.cpp", long_function(71)))

    def test_finds_functions_in_namespaces_classes_and_behind_initialisers(self):
        body = "{\n" + "    x;\n" * 80 + "}\n"
        for head in ("namespace a {\nint f() ", "struct s : t {\n  int f() const ",
                     "s::s(int a) : a_{a}, b_(a) ", "TEST(A, B)\n",
                     "template <class T = int>\nT f(T a = {}) ",
                     "auto f(int a) -> int ", "bool operator==(s a, s b) "):
            self.assertEqual(1, len(found(house.check_function_size, "a.cpp", head + body)), head)

    def test_accepts_tables_and_types_of_any_length(self):
        rows = "{\n" + "    {1, f(2)},\n" * 80 + "};\n"
        for head in ("constexpr row rows[] = ", "const std::map<int, int> rows = ",
                     "enum class a ", "struct s "):
            self.assertFalse(found(house.check_function_size, "a.cpp", head + rows), head)

    def test_is_not_misled_by_braces_in_text(self):
        text = ('const char* a = "}{";\n// {{{\nchar b = \'{\';\n'
                'auto c = R"({{)";\nint d = 1\'000;\n')
        self.assertTrue(found(house.check_function_size, "a.cpp", text + long_function(71)))
        self.assertFalse(found(house.check_function_size, "a.cpp", text + long_function(70)))

    def test_accepts_a_reason_above_the_function(self):
        text = "// Size: because the list is the point\n" + long_function(90)
        self.assertFalse(found(house.check_function_size, "a.cpp", text))


class Texts(unittest.TestCase):
    def test_refuses_a_header_without_prose_or_guard(self):
        self.assertFalse(found(house.check_header, "net/a.hpp", "// What.\n#pragma once\n"))
        self.assertTrue(found(house.check_header, "net/a.hpp", "#pragma once\n"))
        self.assertTrue(found(house.check_header, "net/a.hpp", "// What.\n"))

    def test_refuses_promises(self):
        for line in ("// TO" "DO: later", "GTEST_" "SKIP();", "TEST(A, DISABLED_" "B)"):
            self.assertTrue(found(house.check_promises, "net/a.cpp", line), line)

    def test_refuses_a_link_that_leads_nowhere(self):
        text = "see [this](here.md) and [that](https://example.com/x)\n"
        self.assertFalse(found(house.check_links, "docs/a.md", text,
                               lambda path: path == "docs/here.md"))
        self.assertTrue(found(house.check_links, "docs/a.md", text, lambda path: False))

    def test_refuses_another_licence(self):
        self.assertTrue(found(house.check_licence, "Do as you please.\n"))


class Tree(unittest.TestCase):
    def test_names_the_file_and_line_of_a_breach(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "audit"))
            os.makedirs(os.path.join(root, "build"))
            for path, text in (("audit/a.cpp", '// x\n#include "vault/secret.hpp"\n'),
                               ("build/b.cpp", "x\n" * 500), ("LICENSE", "none")):
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            places = [(path, number) for path, number, _ in house.breaches(root)]
        self.assertEqual([("audit/a.cpp", 2), ("LICENSE", 1)], places)


if __name__ == "__main__":
    unittest.main()
