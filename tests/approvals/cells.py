"""What everybody gets for every action in every state: the table that test_every_cell.py tries, cell by cell.

A table for each person: a line for each action, a column for each state. `ok`: it is done. `404`: they do not see the
request. `403p`: the permission is missing. `403r`: a rule keeps this person from it, whatever their roles. `409s`: not
in this state. `409c`: something else is in the way at this moment.
"""

SHORT = {"changes": "changes_requested", "failed": "apply_failed"}  # states that have a shorter name here
CELLS = {
    "requester": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
request_changes    403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
reject             403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
withdraw           409s  ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
retry              409s  409s 409s    409s     409s     409s    ok     409s     409s      409s    409s
submit             ok    409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               ok    409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            ok    409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
supersede          409s  ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
repin              403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
recertify          403p  403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
""",
    "requester with every role": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            409s  403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
request_changes    409s  403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
reject             409s  403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
withdraw           409s  ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
retry              409s  409s 409s    409s     409s     409s    ok     409s     409s      409s    409s
submit             ok    409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               ok    409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            ok    409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  409s  409s 403r    409s     409s     409s    409s   409s     409s      409s    409s
supersede          409s  ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
repin              409s  403r 403r    403r     409s     409s    409s   409s     409s      409s    409s
ask_bypass         409s  ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
confirm_bypass     409s  403r 403r    403r     409s     409s    409s   409s     409s      409s    409s
drop_bypass        409s  ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
after_review       409s  409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
recertify          409s  409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
""",
    "reviewer": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   ok   ok      409s     409s     409s    409s   409s     409s      409s    409s
request_changes    404   ok   ok      409s     409s     409s    409s   409s     409s      409s    409s
reject             404   ok   ok      409s     409s     409s    409s   409s     409s      409s    409s
withdraw           404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
retry              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
submit             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
edit               404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
discard            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
dismiss_objection  404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
supersede          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
repin              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       404   409s 409s    409s     409s     ok      409s   409s     409s      409s    409s
recertify          404   409s 409s    409s     409s     ok      409s   409s     409s      409s    409s
""",
    "reviewer who trained it": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
request_changes    404   403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
reject             404   403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
withdraw           404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
retry              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
submit             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
edit               404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
discard            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
dismiss_objection  404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
supersede          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
repin              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       404   409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
recertify          404   409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
""",
    "trainer with every role": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
request_changes    404   403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
reject             404   403r 403r    409s     409s     409s    409s   409s     409s      409s    409s
withdraw           404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
retry              404   409s 409s    409s     409s     409s    ok     409s     409s      409s    409s
submit             404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  404   409s 403r    409s     409s     409s    409s   409s     409s      409s    409s
supersede          404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
repin              404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
ask_bypass         404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
confirm_bypass     404   403r 403r    403r     409s     409s    409s   409s     409s      409s    409s
drop_bypass        404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
after_review       404   409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
recertify          404   409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
""",
    "objector with every role": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   ok   ok      409s     409s     409s    409s   409s     409s      409s    409s
request_changes    404   ok   409c    409s     409s     409s    409s   409s     409s      409s    409s
reject             404   ok   ok      409s     409s     409s    409s   409s     409s      409s    409s
withdraw           404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
retry              404   409s 409s    409s     409s     409s    ok     409s     409s      409s    409s
submit             404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  404   409s 403r    409s     409s     409s    409s   409s     409s      409s    409s
supersede          404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
repin              404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
ask_bypass         404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
confirm_bypass     404   403r 403r    403r     409s     409s    409s   409s     409s      409s    409s
drop_bypass        404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
after_review       404   409s 409s    409s     409s     403r    409s   409s     409s      409s    409s
recertify          404   409s 409s    409s     409s     ok      409s   409s     409s      409s    409s
""",
    "engineer": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
request_changes    404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
reject             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
withdraw           404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
retry              404   409s 409s    409s     409s     409s    ok     409s     409s      409s    409s
submit             404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  404   409s ok      409s     409s     409s    409s   409s     409s      409s    409s
supersede          404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
repin              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
recertify          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
""",
    "data scientist": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
request_changes    404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
reject             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
withdraw           404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
retry              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
submit             404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
supersede          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
repin              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
recertify          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
""",
    "viewer": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
request_changes    404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
reject             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
withdraw           404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
retry              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
submit             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
edit               404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
discard            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
dismiss_objection  404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
supersede          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
repin              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
recertify          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
""",
    "admin": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
request_changes    404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
reject             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
withdraw           404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
retry              404   409s 409s    409s     409s     409s    ok     409s     409s      409s    409s
submit             404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
edit               404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
discard            404   409s 409s    409s     409s     409s    409s   409s     409s      409s    409s
dismiss_objection  404   409s ok      409s     409s     409s    409s   409s     409s      409s    409s
supersede          404   ok   ok      ok       409s     409s    ok     409s     409s      409s    409s
repin              404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
ask_bypass         404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
confirm_bypass     404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
drop_bypass        404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
after_review       404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
recertify          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
""",
    "emergency": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
request_changes    404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
reject             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
withdraw           404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
retry              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
submit             404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
edit               404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
discard            404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
dismiss_objection  404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
supersede          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
repin              404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
ask_bypass         404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
confirm_bypass     404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
drop_bypass        404   ok   ok      ok       409s     409s    409s   409s     409s      409s    409s
after_review       404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
recertify          404   403p 403p    403p     403p     403p    403p   403p     403p      403p    403p
""",
    "stranger": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   404  404     404      404      404     404    404      404       404     404
request_changes    404   404  404     404      404      404     404    404      404       404     404
reject             404   404  404     404      404      404     404    404      404       404     404
withdraw           404   404  404     404      404      404     404    404      404       404     404
retry              404   404  404     404      404      404     404    404      404       404     404
submit             404   404  404     404      404      404     404    404      404       404     404
edit               404   404  404     404      404      404     404    404      404       404     404
discard            404   404  404     404      404      404     404    404      404       404     404
dismiss_objection  404   404  404     404      404      404     404    404      404       404     404
supersede          404   404  404     404      404      404     404    404      404       404     404
repin              404   404  404     404      404      404     404    404      404       404     404
ask_bypass         404   404  404     404      404      404     404    404      404       404     404
confirm_bypass     404   404  404     404      404      404     404    404      404       404     404
drop_bypass        404   404  404     404      404      404     404    404      404       404     404
after_review       404   404  404     404      404      404     404    404      404       404     404
recertify          404   404  404     404      404      404     404    404      404       404     404
""",
    "inactive with every role": """
                   draft open changes approved applying applied failed rejected withdrawn expired superseded
approve            404   404  404     404      404      404     404    404      404       404     404
request_changes    404   404  404     404      404      404     404    404      404       404     404
reject             404   404  404     404      404      404     404    404      404       404     404
withdraw           404   404  404     404      404      404     404    404      404       404     404
retry              404   404  404     404      404      404     404    404      404       404     404
submit             404   404  404     404      404      404     404    404      404       404     404
edit               404   404  404     404      404      404     404    404      404       404     404
discard            404   404  404     404      404      404     404    404      404       404     404
dismiss_objection  404   404  404     404      404      404     404    404      404       404     404
supersede          404   404  404     404      404      404     404    404      404       404     404
repin              404   404  404     404      404      404     404    404      404       404     404
ask_bypass         404   404  404     404      404      404     404    404      404       404     404
confirm_bypass     404   404  404     404      404      404     404    404      404       404     404
drop_bypass        404   404  404     404      404      404     404    404      404       404     404
after_review       404   404  404     404      404      404     404    404      404       404     404
recertify          404   404  404     404      404      404     404    404      404       404     404
""",
}
