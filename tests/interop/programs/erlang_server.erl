%% An SFTP server of Erlang's ssh: PORT FOLDER SYSTEM_DIR USER_DIR.
main([Port, Folder, System, User]) ->
    {ok, _} = application:ensure_all_started(ssh),
    {ok, _} = ssh:daemon({127, 0, 0, 1}, list_to_integer(Port), [
        {system_dir, System},
        {user_dir, User},
        {auth_methods, "publickey"},
        {subsystems, [ssh_sftpd:subsystem_spec([{root, Folder}, {cwd, Folder}])]}
    ]),
    receive stop -> ok end.
